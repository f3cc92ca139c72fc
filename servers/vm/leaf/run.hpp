// Run: a phys region. Pages [first, end) of one leaf that are all resident and in equal state.
//
// The tree of runs says which pages a leaf holds and how; the page table under it is derived. The frames of a run need not be
// neighbours: their numbers stand in the table's entries, which only VM writes, and the run keeps their sum, so that
// neither can lose, gain or swap in a frame unnoticed (docs/decisions: runs and their frames).
//
// The run that grew last in its tree may be vacant, without pages: see RunTree::vacate().
#pragma once

#include <cstdint>

#include "base/containers/avl.hpp"
#include "servers/vm/leaf/page_state.hpp"
#include "servers/vm/slab/slab_types.hpp"

namespace shoal::vm {

// Pages [first, end) of a leaf, 0 <= first <= end <= kPagesPerLeaf.
struct PageSpan {
    unsigned first;
    unsigned end;
    [[nodiscard]] constexpr bool empty() const { return first >= end; }
    [[nodiscard]] constexpr unsigned size() const { return end - first; }
    [[nodiscard]] constexpr bool contains(unsigned page) const { return first <= page && page < end; }
    [[nodiscard]] constexpr bool contains(PageSpan o) const { return first <= o.first && o.end <= end; }
    [[nodiscard]] constexpr PageSpan intersect(PageSpan o) const {
        return {first > o.first ? first : o.first, end < o.end ? end : o.end};
    }
    constexpr bool operator==(const PageSpan&) const = default;
};

class Run {
  public:
    static constexpr SlabType kSlabType = SlabType::Run;
    static constexpr uint32_t kStock = 16;
    Run(PageSpan span, PageState state, uint64_t frame_sum)
        : frame_sum_(frame_sum), first_(static_cast<uint16_t>(span.first)), end_(static_cast<uint16_t>(span.end)), state_(state) {}

    [[nodiscard]] PageSpan span() const { return {first_, end_}; }
    [[nodiscard]] unsigned first() const { return first_; }
    [[nodiscard]] unsigned end() const { return end_; }
    [[nodiscard]] PageState state() const { return state_; }
    [[nodiscard]] uint64_t frame_sum() const { return frame_sum_; }
    [[nodiscard]] bool vacant() const { return first_ == end_; }

  private:
    friend class RunTree;
    struct FirstPage {
        uint16_t operator()(const Run& run) const { return run.first_; }
    };
    AvlHook hook_;
    uint64_t frame_sum_;
    uint16_t first_, end_;
    PageState state_;
};

}  // namespace shoal::vm
