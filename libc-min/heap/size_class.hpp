// Sizes of small blocks: multiples of 16 up to 128, then four sizes to each doubling, so that at most a fifth is wasted.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace shoal::libc {

class SizeClass {
  public:
    static constexpr size_t kGranule = 16;
    static constexpr size_t kLinearLimit = 128, kMaxBytes = 32768;
    static constexpr unsigned kLinear = kLinearLimit / kGranule;
    static constexpr unsigned kCount = kLinear + 4 * 8;  // eight doublings from 128 to 32,768

    // The smallest class with blocks of at least `bytes` (1..kMaxBytes).
    static constexpr SizeClass holding(size_t bytes) {
        if (bytes <= kLinearLimit)
            return SizeClass(static_cast<unsigned>((bytes + kGranule - 1) / kGranule) - 1);
        const auto doubling = static_cast<unsigned>(std::bit_width(bytes - 1)) - 1;  // 2^d < bytes
        const auto quarter = static_cast<unsigned>((bytes - 1) >> (doubling - 2)) & 3;
        return SizeClass(kLinear + 4 * (doubling - 7) + quarter);
    }
    constexpr explicit SizeClass(unsigned index) : index_(index) {}
    [[nodiscard]] constexpr unsigned index() const { return index_; }
    [[nodiscard]] constexpr size_t bytes() const {
        if (index_ < kLinear) return (index_ + 1) * kGranule;
        const unsigned doubling = (index_ - kLinear) / 4, quarter = (index_ - kLinear) % 4;
        return (kLinearLimit << doubling) / 4 * (5 + quarter);
    }
    // How many blocks move between a thread and the common lists at a time.
    [[nodiscard]] constexpr unsigned batch() const {
        const size_t fitting = kBatchBytes / bytes();
        return static_cast<unsigned>(fitting < 2 ? 2 : fitting > 32 ? 32 : fitting);
    }

  private:
    static constexpr size_t kBatchBytes = 8192;
    unsigned index_;
};

static_assert(SizeClass(SizeClass::kCount - 1).bytes() == SizeClass::kMaxBytes);
static_assert(SizeClass::holding(129).bytes() == 160 && SizeClass::holding(160).bytes() == 160);

}  // namespace shoal::libc
