#include "servers/vm/cache/evictor.hpp"

#include "servers/vm/cache/page_cache.hpp"
#include "servers/vm/calls/object_end.hpp"

namespace shoal::vm {

namespace {

constexpr unsigned kBlocksAtOnce = 64;     // under the device's lock
constexpr unsigned kBlocksPerStep = 1024;  // that are looked at

uint64_t chains_of_step(const NamedObjects& names) {
    constexpr uint64_t kMost = 16 * kBlocksPerStep;
    return names.chains() < kMost ? names.chains() : kMost;
}

// One device's turn.
class Sweep {
  public:
    // budget: of blocks.
    Sweep(WorkerContext& context, MemoryObject& device, uint64_t& wanted, size_t& budget)
        : context_(context), device_(device), wanted_(wanted), budget_(budget) {}

    // Twice around: the first time for those that were used lately.
    void run() {
        size_t blocks = 2 * blocks_of_device();
        while (blocks > 0 && wanted_ > 0 && budget_ > 0) {
            size_t part = blocks < kBlocksAtOnce ? blocks : kBlocksAtOnce;
            if (part > budget_) part = budget_;
            if (!turn(part)) return;
            blocks -= part;
            budget_ -= part;
        }
    }

  private:
    size_t blocks_of_device() {
        Guard guard(context_.locks(), device_.lock);
        return device_.blocks().size();
    }
    // False: the device has gone.
    bool turn(size_t blocks) {
        {
            Guard guard(context_.locks(), device_.lock);
            if (!device_.use()) return false;
        }
        {
            Guard guard(context_.locks(), device_.pages_lock);
            for (; blocks > 0 && wanted_ > 0; --blocks)
                if (PageBlock* block = next_block()) visit(*block);
        }
        release_object(context_, device_);
        return true;
    }
    // The one that has not been looked at for longest.
    PageBlock* next_block() {
        Guard guard(context_.locks(), device_.lock);
        PageBlock* block = device_.blocks().pop_front();
        if (block != nullptr) device_.blocks().push_back(*block);
        return block;
    }
    void visit(const PageBlock& block) {
        for (unsigned place = 0; place < PageBlock::kPages && wanted_ > 0; ++place) {
            const ObjectPage there = block.get(place);
            if (!there.there()) continue;
            auto& page = *static_cast<CachedPage*>(context_.frame_table()[there.frame()].owner());
            if (page.recent) page.recent = false;
            else if (leave_file(page)) give_up(page);
        }
    }
    // False: somebody has the file mapped, or the page.
    bool leave_file(CachedPage& page) {
        if (context_.frame_table()[page.frame].references() != 1) return false;
        MemoryObject* file = page.file;
        if (file == nullptr) return true;
        if (!PageCache::leave_unused_file(context_, page)) return false;
        release_object(context_, *file);
        return true;
    }
    void give_up(CachedPage& page) {
        const FrameNumber frame = page.frame;
        PageCache::remove(context_, page);
        release_object(context_, device_);
        FrameInfo& info = context_.frame_table()[frame];
        info.become(FrameKind::Anonymous, nullptr);
        const Released released = info.release();
        SHOAL_ASSERT(released == Released::Last);  // whoever maps it finds it under the device's lock
        if (released == Released::Last) context_.frames().free(frame);
        --wanted_;
    }

    WorkerContext& context_;
    MemoryObject& device_;
    uint64_t& wanted_;
    size_t& budget_;
};

}  // namespace

bool anything_cached(WorkerContext& context) {
    uint64_t pages = 0;
    for (uint32_t cpu = 0; cpu < context.processes.cpus(); ++cpu) {
        const ProcessShard& shard = context.processes.shard(CpuId::from(cpu));
        pages += shard.pages_cached.value() - shard.pages_uncached.value();
    }
    return pages != 0;
}

void keep_room(WorkerContext& context) {
    constexpr uint64_t kPart = 16, kEvicted = 512;
    int64_t in_use = 0;
    const ArenaHeader& arena = *context.worker.arena;
    for (uint32_t cpu = 0; cpu < arena.cpus; ++cpu) in_use += arena.workers[cpu].frames.in_use();
    const uint64_t memory = context.processes.memory().raw() - arena.permanent_pages;
    if (static_cast<uint64_t>(in_use) + memory / kPart > memory) (void)evict(context, kEvicted);
}

uint64_t evict(WorkerContext& context, uint64_t wanted) {
    if (!anything_cached(context)) return 0;
    NamedObjects& names = context.processes.named_objects();
    uint64_t& hand = context.processes.shard(context.cpu()).evictor_at;
    size_t budget = kBlocksPerStep;
    uint64_t missing = wanted;
    for (uint64_t left = chains_of_step(names); left > 0 && missing > 0 && budget > 0; --left, ++hand)
        names.for_each_in(hand, [&](MemoryObject& object) {
            if (!object.name().is_file()) Sweep(context, object, missing, budget).run();
        });
    return wanted - missing;
}

namespace {

// The next one where something is cached, in the caller's use; nullptr: none was found.
MemoryObject* next_device(WorkerContext& context) {
    NamedObjects& names = context.processes.named_objects();
    uint64_t& hand = context.processes.shard(context.cpu()).evictor_at;
    MemoryObject* found = nullptr;
    for (uint64_t left = chains_of_step(names); left > 0 && found == nullptr; --left, ++hand)
        names.for_each_in(hand, [&](MemoryObject& object) {
            if (found != nullptr || object.name().is_file()) return;
            Guard guard(context.locks(), object.lock);
            if (!object.blocks().empty() && object.use()) found = &object;
        });
    return found;
}

}  // namespace

void begin_eviction(WorkerContext& context, uint64_t wanted) {
    RequestDesk& desk = context.desk;
    if (desk.evicting || !anything_cached(context)) return;
    MemoryObject* device = next_device(context);
    if (device == nullptr) return;
    Request& request = desk.eviction;
    request.owner = request.answerer = context.cpu();
    request.finished = false;
    request.cache = CacheWork{};
    request.cache.device = device;
    request.cache.wanted = wanted;
    request.cache.looks = kBlocksPerStep;
    desk.evicting = true;
    desk.push_ready(request);
}

}  // namespace shoal::vm
