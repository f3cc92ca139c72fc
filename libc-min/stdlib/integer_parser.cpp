#include "libc-min/stdlib/integer_parser.hpp"

#include "libc-min/include/ctype.h"

namespace shoal::libc {
namespace {

constexpr unsigned kNoDigit = 99;

unsigned digit_value(char c) {
    const int character = static_cast<unsigned char>(c);
    if (isdigit(character)) return static_cast<unsigned>(character - '0');
    if (isalpha(character)) return static_cast<unsigned>(tolower(character) - 'a') + 10;
    return kNoDigit;
}

// "0x" counts as a prefix only where a hexadecimal digit follows: otherwise the number is the 0 before the x.
bool has_hexadecimal_prefix(const char* text) {
    return text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && digit_value(text[2]) < 16;
}

void take_digits(ParsedInteger& result, const char* text, unsigned base) {
    for (; digit_value(*text) < base; ++text) {
        uint64_t shifted = 0;
        result.overflow = __builtin_mul_overflow(result.magnitude, uint64_t{base}, &shifted) ||
                          __builtin_add_overflow(shifted, digit_value(*text), &result.magnitude) ||
                          result.overflow;
        result.end = text + 1;
    }
    if (result.overflow) result.magnitude = UINT64_MAX;
}

}  // namespace

ParsedInteger parse_integer(const char* text, int base) {
    ParsedInteger result;
    result.end = text;
    result.valid_base = base == 0 || (base >= 2 && base <= 36);
    if (!result.valid_base) return result;

    while (isspace(static_cast<unsigned char>(*text))) ++text;
    result.negative = *text == '-';
    if (*text == '-' || *text == '+') ++text;
    if ((base == 0 || base == 16) && has_hexadecimal_prefix(text)) {
        text += 2;
        base = 16;
    } else if (base == 0) {
        base = *text == '0' ? 8 : 10;
    }
    take_digits(result, text, static_cast<unsigned>(base));
    return result;
}

}  // namespace shoal::libc
