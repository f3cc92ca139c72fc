// RegionDigest: one number for what is mapped where, however it is divided into pieces.
#pragma once

#include "abi/memory.hpp"

namespace shoal::model {

class RegionDigest {
  public:
    // Ascending. protection: Protection, with all that it implies; flags: RegionFlags, of which kKnown count.
    void add(VirtualRange range, uint64_t protection, RegionType type, uint32_t flags) {
        pages_ += range.size() >> kPageShift;
        const bool goes_on = !last_.empty() && last_.end == range.start && last_like_ == word(protection, type, flags);
        if (!goes_on) mix(last_.end.raw()), mix(range.start.raw()), mix(word(protection, type, flags));
        last_like_ = word(protection, type, flags);
        last_ = range;
    }
    [[nodiscard]] uint64_t pages() const { return pages_; }
    [[nodiscard]] uint64_t value() {
        mix(last_.end.raw());
        return value_;
    }

  private:
    static constexpr uint32_t kKnown = kRegionGrowsDown | kRegionPreallocated;
    static uint64_t word(uint64_t protection, RegionType type, uint32_t flags) {
        return protection | uint64_t{static_cast<uint32_t>(type)} << 8 | uint64_t{flags & kKnown} << 16;
    }
    // FNV-1a, of words.
    void mix(uint64_t word) { value_ = (value_ ^ word) * 0x100'0000'01b3; }

    VirtualRange last_{};
    uint64_t last_like_ = 0, pages_ = 0, value_ = 0xcbf2'9ce4'8422'2325;
};

}  // namespace shoal::model
