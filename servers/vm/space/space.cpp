#include "servers/vm/space/space.hpp"

#include "servers/vm/requests/request.hpp"

namespace shoal::vm {

void Space::set_process(ProcessId process) {
    process_.store(process, std::memory_order_relaxed);
    if (exit_request != nullptr) exit_request->process = process;
}

Result<Segment*> Space::obtain_segment(uint32_t index, SlabCaches& slabs) {
    if (Segment* there = segment(index)) return there;
    const uint32_t slice = index - 1;
    std::atomic<SegmentDirectory*>& place = directories_[slice / SegmentDirectory::kSegments];
    // release pairs with segment(); whoever comes second frees its own
    SegmentDirectory* directory = place.load(std::memory_order_acquire);
    if (directory == nullptr) {
        SegmentDirectory* mine = TRY(slabs.create<SegmentDirectory>());
        if (place.compare_exchange_strong(directory, mine, std::memory_order_acq_rel)) directory = mine;
        else slabs.destroy(mine);
    }
    Segment* made = TRY(slabs.create<Segment>(layout_.segment_range(index)));
    Segment* there = nullptr;
    auto& segment_place = directory->segments[slice % SegmentDirectory::kSegments];
    // pairs with segment()
    if (segment_place.compare_exchange_strong(there, made, std::memory_order_acq_rel)) return made;
    slabs.destroy(made);
    return there;
}

static_assert(SlabShape::of<Region>().capacity >= Space::kRegionsPerPage);

Result<void> Space::pay(LockContext& worker, SlabCaches& slabs, Segment& segment, uint32_t more) {
    const uint32_t needed = pages_for(segment.regions().size() + more);
    TRY(quota.charge(worker, slabs, PageCount{needed - segment.paid_pages}));
    // --- commit point ---
    segment.paid_pages = needed;
    return {};
}

void Space::settle(LockContext& worker, SlabCaches& slabs, Segment& segment) {
    const uint32_t needed = pages_for(segment.regions().size());
    if (needed < segment.paid_pages) quota.refund(worker, PageCount{segment.paid_pages - needed});
    else if (!quota.charge(worker, slabs, PageCount{needed - segment.paid_pages}).ok()) return;  // whoever adds the next pays this, too
    segment.paid_pages = needed;
}

uint64_t Space::count_directories() const {
    uint64_t count = 0;
    for (const auto& place : directories_)
        if (place.load(std::memory_order_relaxed) != nullptr) ++count;
    return count;
}

void Space::free_segments(SlabCaches& slabs) {
    for (auto& place : directories_) {
        SegmentDirectory* directory = place.load(std::memory_order_relaxed);
        if (directory == nullptr) continue;
        for (auto& segment_place : directory->segments)
            if (Segment* found = segment_place.load(std::memory_order_relaxed)) slabs.destroy(found);
        slabs.destroy(directory);
        place.store(nullptr, std::memory_order_relaxed);
    }
}

}  // namespace shoal::vm
