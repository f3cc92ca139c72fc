// RangeReserve: what a range operation that has begun may still need, in its own hands between its steps, so that it ends even
// where nothing is left.
//
// Whatever the length of the range, only its two ends can split anything: kRegions regions, kTrees trees and kRuns runs are
// enough from the first step to the last. A fixed map over several segments takes a region for each of them.
#pragma once

#include "servers/vm/slab/slab_caches.hpp"
#include "servers/vm/space/region.hpp"

namespace shoal::vm {

class Run;
class RunTree;

class RangeReserve {
  public:
    static constexpr uint32_t kRegions = 2, kTrees = 2, kRuns = 2;

    // Before the first step: that many regions. Error: NoMemory, and it holds none.
    Result<void> fill(SlabCaches& slabs, uint32_t regions);
    // Before a step: into the worker's caches, where the step takes them.
    void lend(SlabCaches& slabs);
    // After a step: out of the caches again, what is left of it.
    void keep(SlabCaches& slabs);
    // Everything goes back.
    void release(SlabCaches& slabs);

    // For the audit.
    [[nodiscard]] uint64_t regions() const { return regions_.size(); }
    [[nodiscard]] uint64_t trees() const { return tree_count_; }
    [[nodiscard]] uint64_t runs() const { return run_count_; }

  private:
    void add_region(SlabCaches& slabs);
    void drop_region(SlabCaches& slabs);

    // Held by the hook that a region has: each begins at its number, and none lies in a space.
    AvlTree<Region, &Region::hook, Region::Start> regions_;
    RunTree* trees_[kTrees] = {};
    Run* runs_[kRuns] = {};
    uint32_t tree_count_ = 0, run_count_ = 0;
};

}  // namespace shoal::vm
