// TagAllocator: one CPU's process-context identifiers (SDM vol. 3A, 4.10.1).
//
// When all have been given out it begins anew, and every tag given out before is void: the caller forgets them. The first load under
// a fresh tag must flush, since translations may be left under its number. So recycling all tags costs one flushing load per space,
// when it is next loaded.
#pragma once

#include <cstdint>

namespace shoal::kernel::space {

class TagAllocator {
  public:
    static constexpr uint16_t kTags = 4096;   // 0 is the kernel root's
    static constexpr uint16_t kFirst = 1;     // given out again: the others are void

    explicit TagAllocator(uint16_t tags = kTags) : tags_(tags) {}

    uint16_t fresh() {
        if (next_ == tags_) next_ = kFirst;
        return next_++;
    }

  private:
    uint16_t tags_;
    uint16_t next_ = kFirst;
};

}  // namespace shoal::kernel::space
