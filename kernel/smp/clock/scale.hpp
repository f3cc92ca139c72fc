// Converts between units of time by one multiplication: value * numerator / denominator, with 32 bits behind the point.
#pragma once

#include <cstdint>

namespace shoal::smp {

// a * b / c without overflow in between; the result must fit. DIV itself: the compiler would call a library.
inline uint64_t multiply_divide(uint64_t a, uint64_t b, uint64_t c) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    uint64_t quotient = static_cast<uint64_t>(product), rest = static_cast<uint64_t>(product >> 64);
    asm("divq %2" : "+a"(quotient), "+d"(rest) : "r"(c) : "cc");
    return quotient;
}

class Scale {
  public:
    constexpr Scale() = default;
    // Relative error at most 2^-32 * denominator / numerator. The factor must be below 2^32.
    static Scale ratio(uint64_t numerator, uint64_t denominator) {
        Scale scale;
        scale.factor_ = multiply_divide(numerator, uint64_t{1} << 32, denominator);
        return scale;
    }
    [[nodiscard]] constexpr uint64_t apply(uint64_t value) const {
        return static_cast<uint64_t>(static_cast<unsigned __int128>(value) * factor_ >> 32);
    }

  private:
    uint64_t factor_ = 0;
};

inline constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace shoal::smp
