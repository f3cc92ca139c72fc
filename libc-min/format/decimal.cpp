#include "libc-min/format/decimal.hpp"

namespace shoal::libc {
namespace {

// IEEE 754 binary64.
constexpr int kMantissaBits = 52;
constexpr int kExponentBias = 1075;  // of the mantissa as an integer
constexpr uint64_t kHiddenBit = uint64_t{1} << kMantissaBits;

// A natural number in limbs of nine decimal digits, the least significant first.
class BigNatural {
  public:
    explicit BigNatural(uint64_t value) {
        for (; value != 0; value /= kLimb) limbs_[size_++] = static_cast<uint32_t>(value % kLimb);
    }

    void multiply(uint32_t factor) {
        uint64_t carry = 0;
        for (size_t i = 0; i < size_; ++i) {
            carry += uint64_t{limbs_[i]} * factor;
            limbs_[i] = static_cast<uint32_t>(carry % kLimb);
            carry /= kLimb;
        }
        for (; carry != 0; carry /= kLimb) limbs_[size_++] = static_cast<uint32_t>(carry % kLimb);
    }

    // Multiplies by base^exponent, `step` powers at a time (base^step must fit in 32 bits).
    void multiply_power(uint32_t base, int exponent, int step) {
        uint32_t large = 1;
        for (int i = 0; i < step; ++i) large *= base;
        for (; exponent >= step; exponent -= step) multiply(large);
        for (; exponent > 0; --exponent) multiply(base);
    }

    // Writes all digits, leading zeros included. Returns their number.
    int write(char* digits) const {
        int count = 0;
        for (size_t i = size_; i-- > 0;) {
            uint32_t rest = limbs_[i];
            for (int place = kLimbDigits; place-- > 0; rest /= 10)
                digits[count + place] = static_cast<char>('0' + rest % 10);
            count += kLimbDigits;
        }
        return count;
    }

  private:
    static constexpr uint32_t kLimb = 1'000'000'000;
    static constexpr int kLimbDigits = 9;
    uint32_t limbs_[90] = {};
    size_t size_ = 0;
};

}  // namespace

Decimal::Decimal(uint64_t bits) {
    const auto biased = static_cast<int>(bits >> kMantissaBits & 0x7ff);
    const uint64_t fraction = bits & (kHiddenBit - 1);
    if (biased == 0)
        expand(fraction, 1 - kExponentBias);
    else
        expand(fraction | kHiddenBit, biased - kExponentBias);
}

void Decimal::expand(uint64_t mantissa, int power_of_two) {
    BigNatural number(mantissa);
    int places = 0;  // behind the point
    if (power_of_two >= 0) {
        number.multiply_power(2, power_of_two, 30);
    } else {
        places = -power_of_two;
        number.multiply_power(5, places, 13);
    }
    count_ = number.write(digits_);
    exponent_ = count_ - 1 - places;
    trim();
}

// Drops leading zeros and, since they are implied, trailing ones.
void Decimal::trim() {
    int leading = 0;
    while (leading < count_ && digits_[leading] == '0') ++leading;
    count_ -= leading;
    exponent_ -= leading;
    for (int i = 0; leading != 0 && i < count_; ++i) digits_[i] = digits_[i + leading];
    while (count_ > 0 && digits_[count_ - 1] == '0') --count_;
}

char Decimal::digit(int position) const {
    const int index = exponent_ - position;
    return index >= 0 && index < count_ ? digits_[index] : '0';
}

int Decimal::last_position() const { return count_ == 0 ? 0 : exponent_ - count_ + 1; }

void Decimal::round_at(int position) {
    const int kept = exponent_ - position + 1;  // digits that stay
    if (kept >= count_) return;
    if (kept < 0) {
        count_ = 0;
        return;
    }
    const char next = digits_[kept];
    const bool beyond_half = next > '5' || (next == '5' && count_ > kept + 1);
    const bool odd = kept > 0 && (digits_[kept - 1] - '0') % 2 != 0;
    const bool up = beyond_half || (next == '5' && odd);
    count_ = kept;
    if (!up) return trim();

    int at = kept;
    while (at > 0 && digits_[at - 1] == '9') --at;
    if (at == 0) {  // 9.99 becomes 10.0: one digit, one place higher
        digits_[0] = '1';
        count_ = 1;
        ++exponent_;
        return;
    }
    ++digits_[at - 1];
    count_ = at;
}

}  // namespace shoal::libc
