// HoleStack: addresses that were unmapped lately, to be mapped again first: their tables and leaves are still there. A
// hint only: a hole that has been forgotten is found again by searching the tree, one that is not free is dropped.
#pragma once

#include "base/address.hpp"

namespace shoal::vm {

class HoleStack {
  public:
    static constexpr uint32_t kHoles = 16;

    // The hole pushed last that has room and does not end below, shortened by what is taken. Empty range: none.
    VirtualRange take(uint64_t bytes, uint64_t alignment, VirtualAddress below = {}) {
        for (uint32_t i = count_; i-- > 0;) {
            VirtualRange& hole = holes_[i];
            if (hole.end <= below) continue;
            const VirtualAddress start{(hole.start.raw() + alignment - 1) & ~(alignment - 1)};
            if (start < hole.start || start >= hole.end || hole.end - start < bytes) continue;
            const VirtualRange taken = VirtualRange::of(start, bytes);
            const VirtualRange before{hole.start, start}, behind{taken.end, hole.end};
            drop(i);
            if (!before.empty()) push(before);
            if (!behind.empty()) push(behind);
            return taken;
        }
        return {};
    }
    void push(VirtualRange hole) {
        for (uint32_t i = count_; i-- > 0;) {
            if (holes_[i].end != hole.start && hole.end != holes_[i].start) continue;
            if (holes_[i].end == hole.start) hole.start = holes_[i].start;
            else hole.end = holes_[i].end;
            drop(i);
        }
        if (count_ == kHoles) drop(0);
        holes_[count_++] = hole;
    }
    void forget_smaller(uint64_t bytes) {
        for (uint32_t i = count_; i-- > 0;)
            if (holes_[i].size() < bytes) drop(i);
    }

  private:
    void drop(uint32_t at) {
        for (--count_; at < count_; ++at) holes_[at] = holes_[at + 1];
    }
    uint32_t count_ = 0;
    VirtualRange holes_[kHoles];
};

}  // namespace shoal::vm
