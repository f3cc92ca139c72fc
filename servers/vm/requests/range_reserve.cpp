#include "servers/vm/requests/range_reserve.hpp"

#include "servers/vm/leaf/run_forest.hpp"

namespace shoal::vm {

static_assert(RangeReserve::kTrees == RunForest::kMostNewTrees && RangeReserve::kRuns == RunForest::kMostNewRuns);

void RangeReserve::add_region(SlabCaches& slabs) {
    const VirtualAddress number{regions_.size()};
    Region& region = *slabs.obtain_reserved<Region>();
    region.become({number, number}, {});
    regions_.insert(region);
}

void RangeReserve::drop_region(SlabCaches& slabs) {
    Region* region = regions_.last();
    regions_.remove(*region);
    slabs.give_back(region);
}

Result<void> RangeReserve::fill(SlabCaches& slabs, uint32_t regions) {
    while (regions_.size() < regions) {
        if (const Result<void> reserved = slabs.ensure<Region>(1); !reserved.ok()) {
            release(slabs);
            return reserved;
        }
        add_region(slabs);
    }
    return {};
}

void RangeReserve::lend(SlabCaches& slabs) {
    for (uint32_t i = 0; i < kRegions && !regions_.empty(); ++i) drop_region(slabs);
    while (tree_count_ > 0) slabs.destroy(trees_[--tree_count_]);
    while (run_count_ > 0) slabs.destroy(runs_[--run_count_]);
}

// What was there before the step, less what it has taken for good, is there still.
void RangeReserve::keep(SlabCaches& slabs) {
    for (uint32_t i = 0; i < kRegions && slabs.ensure_from_stock<Region>(1).ok(); ++i) add_region(slabs);
    while (tree_count_ < kTrees && slabs.ensure_from_stock<RunTree>(1).ok())
        trees_[tree_count_++] = slabs.create_reserved<RunTree>(PageSpan{0, 0});
    while (run_count_ < kRuns && slabs.ensure_from_stock<Run>(1).ok())
        runs_[run_count_++] = slabs.create_reserved<Run>(PageSpan{0, 0}, PageState{}, uint64_t{0});
}

void RangeReserve::release(SlabCaches& slabs) {
    while (!regions_.empty()) drop_region(slabs);
    lend(slabs);
}

}  // namespace shoal::vm
