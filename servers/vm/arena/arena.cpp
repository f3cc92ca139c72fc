#include "servers/vm/arena/arena.hpp"

#include <new>

#include "servers/vm/arena/window.hpp"
#include "servers/vm/worker.hpp"

namespace shoal::vm {
namespace {

// What is permanent, in the order of addresses; every part starts on a page. The header has the last page.
struct Layout {
    uint64_t frame_table = 0, pool, workers, outgoing_frames, outgoing_objects, noted_epochs, extra,
             header, bytes;

    Layout(FrameRange span, uint64_t cpus, uint64_t extra_bytes) {
        const auto after = [](uint64_t start, uint64_t size) {
            return PageCount::covering(start + size).bytes();
        };
        pool = after(frame_table, span.count * sizeof(FrameInfo));
        workers = after(pool, FramePool::bytes_for(span));
        outgoing_frames = after(workers, cpus * sizeof(Worker));
        outgoing_objects = after(outgoing_frames, cpus * row(cpus, sizeof(FrameCache::Batch)));
        noted_epochs = after(outgoing_objects, cpus * row(cpus, sizeof(SlabCaches::Batch)));
        extra = after(noted_epochs, cpus * row(cpus, sizeof(uint64_t)));
        header = after(extra, extra_bytes);
        bytes = header + kPageSize;
    }
    // One CPU's array of an element per CPU: whole lines, which no other CPU writes.
    static uint64_t row(uint64_t cpus, uint64_t element) {
        return (cpus * element + kCacheLine - 1) & ~uint64_t{kCacheLine - 1};
    }
};

FrameRange largest(const FrameRange* memory, uint32_t ranges) {
    FrameRange found;
    for (uint32_t i = 0; i < ranges; ++i) {
        if (memory[i].count > found.count) found = memory[i];
    }
    return found;
}

bool overlap(FrameRange a, FrameRange b) {
    return a.first < b.end() && b.first < a.end();
}

template <typename T>
T* construct_row(uint64_t base, uint64_t row_bytes, uint32_t cpu, uint32_t cpus) {
    T* row = reinterpret_cast<T*>(base + cpu * row_bytes);
    for (uint32_t i = 0; i < cpus; ++i) new (&row[i]) T{};
    return row;
}

void make_workers(ArenaHeader& header, uint64_t base, const Layout& at) {
    const uint32_t cpus = header.cpus;
    for (uint32_t cpu = 0; cpu < cpus; ++cpu) {
        const Worker::Tables tables{
            construct_row<FrameCache::Batch>(
                base + at.outgoing_frames, Layout::row(cpus, sizeof(FrameCache::Batch)), cpu, cpus),
            construct_row<SlabCaches::Batch>(base + at.outgoing_objects,
                                             Layout::row(cpus, sizeof(SlabCaches::Batch)), cpu,
                                             cpus),
            construct_row<uint64_t>(base + at.noted_epochs, Layout::row(cpus, sizeof(uint64_t)),
                                    cpu, cpus)};
        new (&header.workers[cpu])
            Worker(header, header.workers, CpuId::from(cpu), cpus, *header.frame_pool, tables);
    }
}

}  // namespace

FrameNumber Arena::header_frame(const FrameRange* memory, uint32_t memory_ranges) {
    const FrameRange range = largest(memory, memory_ranges);
    return FrameNumber{range.end().raw() - 1};
}

void Arena::describe_frames(const ArenaPlan& plan, FrameTable table, FrameRange permanent) {
    const auto describe = [&](FrameRange range, FrameKind kind) {
        for (uint64_t i = 0; i < range.count; ++i) table[range.first + i].set_kind(kind);
    };
    for (uint64_t i = 0; i < table.span().count; ++i)
        new (&table[table.span().first + i]) FrameInfo;
    for (uint32_t i = 0; i < plan.memory_ranges; ++i) describe(plan.memory[i], FrameKind::Free);
    for (uint32_t i = 0; i < plan.kept_ranges; ++i) describe(plan.kept[i], FrameKind::Kept);
    describe(permanent, FrameKind::Permanent);
}

// Runs of frames that are neither kept nor permanent.
void Arena::free_the_rest(const ArenaPlan& plan, FrameTable table, FramePool& pool) {
    for (uint32_t i = 0; i < plan.memory_ranges; ++i) {
        const FrameRange range = plan.memory[i];
        for (uint64_t start = 0, end; start < range.count; start = end + 1) {
            end = start;
            while (end < range.count && table[range.first + end].kind() == FrameKind::Free) ++end;
            if (end > start) pool.give_range({range.first + start, end - start});
        }
    }
}

Result<Arena::Formatted> Arena::format(const ArenaPlan& plan, uint64_t permanent_extra) {
    if (plan.memory_ranges == 0 || plan.cpus == 0 || plan.cpus > kMaxCpus) return Error::Invalid;
    const FrameNumber first = plan.memory[0].first, end = plan.memory[plan.memory_ranges - 1].end();
    const FrameRange span{first, end.raw() - first.raw()};
    if (span.count >= uint64_t{1} << 32)
        return Error::Invalid;  // links between frames are 32 bits wide
    const Layout at(span, plan.cpus, permanent_extra);
    const FrameRange home = largest(plan.memory, plan.memory_ranges);
    const uint64_t pages = at.bytes >> kPageShift;
    if (pages > home.count) return Error::NoMemory;
    const FrameRange permanent{FrameNumber{home.end().raw() - pages}, pages};
    for (uint32_t i = 0; i < plan.kept_ranges; ++i) {
        if (overlap(plan.kept[i], permanent)) return Error::NoMemory;
    }

    // --- commit point ---
    auto* base = window_pointer<unsigned char>(permanent.first);
    __builtin_memset(base, 0, at.bytes);
    const FrameTable table(reinterpret_cast<FrameInfo*>(base + at.frame_table), span);
    describe_frames(plan, table, permanent);
    FramePool* pool = FramePool::create(base + at.pool, table);
    free_the_rest(plan, table, *pool);
    auto* header =
        new (base + at.header) ArenaHeader{.magic = ArenaHeader::kMagic,
                                           .layout = ArenaHeader::kLayout,
                                           .cpus = plan.cpus,
                                           .process_slots = plan.process_slots,
                                           .worker_bytes = sizeof(Worker),
                                           .permanent_pages = pages,
                                           .frame_table = table,
                                           .frame_pool = pool,
                                           .workers = reinterpret_cast<Worker*>(base + at.workers),
                                           .processes = nullptr};
    make_workers(*header, reinterpret_cast<uint64_t>(base), at);
    for (uint32_t i = 0; i < plan.kept_ranges; ++i)
        header->workers[0].frames.adopt(plan.kept[i].count);
    return Formatted{header, base + at.extra};
}

Result<ArenaHeader*> Arena::attach(const FrameRange* memory, uint32_t memory_ranges) {
    if (memory_ranges == 0) return Error::Invalid;
    auto* header = window_pointer<ArenaHeader>(header_frame(memory, memory_ranges));
    if (header->magic != ArenaHeader::kMagic) return Error::NoEntry;
    if (header->layout != ArenaHeader::kLayout || header->worker_bytes != sizeof(Worker))
        return Error::Invalid;
    return header;
}

}  // namespace shoal::vm
