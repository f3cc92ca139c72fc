#include "servers/vm/arena/window.hpp"
#include "servers/vm/audit/parts.hpp"

namespace shoal::vm {

namespace {

// The pool's bits are the free frames; its counts say how many.
void audit_pool(WorkerContext& context, Ledger& ledger) {
    const FrameTable frames = context.frame_table();
    const FramePool& pool = *context.worker.arena->frame_pool;
    uint64_t found = 0;
    for (uint64_t i = 0; i < frames.span().count; ++i) {
        const FrameNumber frame = frames.span().first + i;
        if (!pool.is_free(frame)) continue;
        ++found;
        ledger.enter_frame(frame, FrameKind::Free, "the pool has a frame that is not free");
    }
    if (found != pool.free_frames())
        ledger.report.fault("the pool counts other frames than it has", pool.free_frames(), found);
}

void audit_permanent(WorkerContext& context, Ledger& ledger) {
    const ArenaHeader& arena = *context.worker.arena;
    const FrameNumber last = frame_of(&arena);
    for (uint64_t i = 0; i < arena.permanent_pages; ++i)
        ledger.enter_frame(FrameNumber{last.raw() - i}, FrameKind::Permanent, "a table of the arena lies in another's frame");
}

// One worker's caches of frames and of objects.
void audit_caches(const Worker& worker, Ledger& ledger) {
    worker.frames.for_each_cached([&](FrameNumber frame) {
        ledger.enter_frame(frame, FrameKind::Free, "a cache has a frame that is not free");
    });
}

// A slab says itself what it is; each CPU counts its own. What is neither free in it nor in a cache is alive.
class SlabCensus {
  public:
    void count(const Slab& slab, uint32_t cpus, FrameNumber frame, AuditReport& report) {
        const auto type = static_cast<size_t>(slab.type());
        if (slab.home().index() >= cpus || type >= kSlabTypes)
            return report.fault("a slab's header is damaged", frame.raw(), type);
        taken_[type] += slab.capacity() - slab.free_objects();
        ++slabs_[type];
    }
    void close(WorkerContext& context, AuditReport& report) {
        int64_t alive[kSlabTypes] = {};
        uint64_t counted[kSlabTypes] = {};
        for (uint32_t cpu = 0; cpu < context.processes.cpus(); ++cpu) {
            const SlabCaches& caches = context.worker.arena->workers[cpu].slabs;
            caches.for_each_cached([&](void* object) { --taken_[static_cast<size_t>(Slab::of(object).type())]; });
            for (size_t type = 0; type < kSlabTypes; ++type) {
                alive[type] += caches.live(static_cast<SlabType>(type));
                counted[type] += caches.slabs(static_cast<SlabType>(type));
            }
        }
        for (size_t type = 0; type < kSlabTypes; ++type) {
            if (slabs_[type] != counted[type])
                report.fault("slabs exist that no cache counts", slabs_[type], counted[type]);
            if (taken_[type] != static_cast<uint64_t>(alive[type]))
                report.fault("objects are taken that are neither alive nor cached", taken_[type], type);
        }
    }

  private:
    uint64_t taken_[kSlabTypes] = {}, slabs_[kSlabTypes] = {};
};

// Lent areas are whole; the kernel alone knows what is in them.
void audit_by_kind(WorkerContext& context, Ledger& ledger) {
    const FrameTable frames = context.frame_table();
    SlabCensus census;
    uint64_t lent = 0, areas = 0;
    for (uint64_t i = 0; i < frames.span().count; ++i) {
        const FrameNumber frame = frames.span().first + i;
        if (frames[frame].kind() == FrameKind::Lent) {
            ++lent;
            ledger.enter_frame(frame, FrameKind::Lent, "the kernel");
        } else if (frames[frame].kind() == FrameKind::Slab) {
            ledger.enter_frame(frame, FrameKind::Slab, "a slab");
            census.count(*window_pointer<Slab>(frame), context.processes.cpus(), frame, ledger.report);
        }
    }
    for (uint32_t cpu = 0; cpu < context.processes.cpus(); ++cpu) {
        const ProcessShard& shard = context.processes.shard(CpuId::from(cpu));
        areas += shard.areas_lent.value() - shard.areas_returned.value();
    }
    if (lent != areas * kPagesPerLeaf) ledger.report.fault("frames are lent that no area has", lent, areas);
    census.close(context, ledger.report);
}

}  // namespace

void audit_storage(WorkerContext& context, Ledger& ledger) {
    audit_pool(context, ledger);
    audit_permanent(context, ledger);
    for (uint32_t cpu = 0; cpu < context.processes.cpus(); ++cpu)
        audit_caches(context.worker.arena->workers[cpu], ledger);
    audit_by_kind(context, ledger);
}

}  // namespace shoal::vm
