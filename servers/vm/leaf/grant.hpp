// Grant: pages of one leaf that lie in one region, and what it allows; what the leaf remembers of a fault's lookup, or is told by mmap,
// so that the next fault needs neither segment nor region, and does not meet in them who maps and unmaps elsewhere in the segment.
//
// Kept under the leaf's lock. A fault gives it, when it holds the lock and has found the segment unchanged; mmap, under the
// segment's lock, to leaves that are there (the short way without the leaf's: the segment's keeps away whoever revokes). Whoever takes
// pages from a region, or changes what it allows, revokes it when he visits the leaf after the change of the tree, in the same hold of the
// lock in which he changes its pages (Segment (b)). So a grant is as good as a page: until the visit it stands, and what is
// mapped by it is there for the visitor to find; after the visit it is gone.
#pragma once

#include <atomic>

#include "servers/vm/leaf/run.hpp"

namespace shoal::vm {

class Grant {
  public:
    constexpr Grant() = default;  // nothing
    constexpr Grant(PageSpan span, Access access)
        : word_(span.first | uint64_t{span.size()} << kPagesShift | uint64_t{access.raw()} << kAccessShift) {}

    [[nodiscard]] constexpr bool empty() const { return pages() == 0; }
    [[nodiscard]] constexpr bool covers(unsigned page) const { return page - first() < pages(); }
    [[nodiscard]] constexpr bool covers(PageSpan span) const { return covers(span.first) && span.end <= first() + pages(); }
    // It covers the span and more.
    [[nodiscard]] constexpr bool exceeds(PageSpan span) const { return pages() > span.size() && covers(span); }
    [[nodiscard]] constexpr bool allows(unsigned page, Access needed) const { return covers(page) && access().allows(needed); }
    [[nodiscard]] constexpr PageSpan span() const { return {first(), first() + pages()}; }
    [[nodiscard]] constexpr Access access() const { return Access::from_raw(static_cast<uint8_t>(word_ >> kAccessShift)); }
    constexpr bool operator==(const Grant&) const = default;

  private:
    static constexpr unsigned kPagesShift = 16, kAccessShift = 32;
    [[nodiscard]] constexpr unsigned first() const { return static_cast<uint16_t>(word_); }
    [[nodiscard]] constexpr unsigned pages() const { return static_cast<uint16_t>(word_ >> kPagesShift); }
    uint64_t word_ = 0;
};
static_assert(std::atomic<Grant>::is_always_lock_free);

}  // namespace shoal::vm
