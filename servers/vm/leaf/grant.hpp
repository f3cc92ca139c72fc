// Grant: pages of one leaf that lie in one region, and what it allows; what the leaf remembers of a fault's lookup, or is told by mmap,
// so that the next fault needs neither segment nor region, and does not meet in them who maps and unmaps elsewhere in the segment.
//
// Kept under the leaf's lock. A fault gives it, when it holds the lock and has found the segment unchanged; mmap, under the
// segment's lock, to leaves that are there. Whoever takes pages from a
// region, or changes what it allows, revokes it when he visits the leaf after the change of the tree, in the same hold of the
// lock in which he changes its pages (Segment (b)). So a grant is as good as a page: until the visit it stands, and what is
// mapped by it is there for the visitor to find; after the visit it is gone.
#pragma once

#include <atomic>

#include "servers/vm/leaf/run.hpp"

namespace shoal::vm {

class alignas(8) Grant {
  public:
    constexpr Grant() = default;  // nothing
    constexpr Grant(PageSpan span, Access access)
        : first_(static_cast<uint16_t>(span.first)), pages_(static_cast<uint16_t>(span.size())), access_(access) {}

    [[nodiscard]] constexpr bool empty() const { return pages_ == 0; }
    [[nodiscard]] constexpr bool covers(unsigned page) const { return page - first_ < pages_; }
    [[nodiscard]] constexpr bool covers(PageSpan span) const { return covers(span.first) && span.end <= first_ + unsigned{pages_}; }
    [[nodiscard]] constexpr bool allows(unsigned page, Access needed) const { return covers(page) && access_.allows(needed); }
    [[nodiscard]] constexpr PageSpan span() const { return {first_, first_ + unsigned{pages_}}; }
    [[nodiscard]] constexpr Access access() const { return access_; }

  private:
    uint16_t first_ = 0, pages_ = 0;
    Access access_;
};
static_assert(std::atomic<Grant>::is_always_lock_free);

}  // namespace shoal::vm
