// The exact decimal expansion of a finite double, and its rounding to any number of digits.
//
// Every double m * 2^e is a decimal fraction: for e < 0 it is m * 5^-e / 10^-e. So its digits are those of one big integer, at
// most 767 of them that count, and rounding them (half to even) is correct by construction. Slower than the shortest-digits
// algorithms and much smaller; what is printed here are rates and times.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shoal::libc {

class Decimal {
  public:
    // bits: a finite double; its sign does not count.
    explicit Decimal(uint64_t bits);

    [[nodiscard]] bool is_zero() const { return count_ == 0; }
    // The decimal exponent of the first digit: 0 for 1.5, -3 for 0.001. 0 for zero.
    [[nodiscard]] int exponent() const { return count_ == 0 ? 0 : exponent_; }
    // The digit that stands for 10^position; '0' outside the expansion.
    [[nodiscard]] char digit(int position) const;
    // Rounds half to even so that no digit below 10^position is left. May change exponent().
    void round_at(int position);
    // The exponent of the last digit that is not 0.
    [[nodiscard]] int last_position() const;

  private:
    void expand(uint64_t mantissa, int power_of_two);
    void trim();

    static constexpr size_t kMaxDigits = 1100;  // 309 before the point, or 1,074 behind it
    char digits_[kMaxDigits];                   // most significant first, '0'..'9'
    int count_ = 0;
    int exponent_ = 0;
};

}  // namespace shoal::libc
