// RegionDigest: one number for what is mapped where, however it is divided into pieces.
#pragma once

#include "abi/memory.hpp"

namespace shoal::model {

class RegionDigest {
  public:
    // Ascending. protection: Protection, with all that it implies; of a stack or not.
    void add(VirtualRange range, uint64_t protection, RegionType type, bool stack) {
        pages_ += range.size() >> kPageShift;
        const bool goes_on = !last_.empty() && last_.end == range.start && last_like_ == word(protection, type, stack);
        if (!goes_on) mix(last_.end.raw()), mix(range.start.raw()), mix(word(protection, type, stack));
        last_like_ = word(protection, type, stack);
        last_ = range;
    }
    [[nodiscard]] uint64_t pages() const { return pages_; }
    [[nodiscard]] uint64_t value() {
        mix(last_.end.raw());
        return value_;
    }

  private:
    static uint64_t word(uint64_t protection, RegionType type, bool stack) {
        return protection | uint64_t{static_cast<uint32_t>(type)} << 8 | (stack ? uint64_t{1} << 16 : 0);
    }
    // FNV-1a, of words.
    void mix(uint64_t word) { value_ = (value_ ^ word) * 0x100'0000'01b3; }

    VirtualRange last_{};
    uint64_t last_like_ = 0, pages_ = 0, value_ = 0xcbf2'9ce4'8422'2325;
};

}  // namespace shoal::model
