#include "libc-min/format/conversion.hpp"

namespace shoal::libc {
namespace {

struct Radix {
    unsigned base;
    const char* digits;
};

Radix radix_of(char specifier) {
    switch (specifier) {
        case 'o': return {8, "01234567"};
        case 'x':
        case 'p': return {16, "0123456789abcdef"};
        case 'X': return {16, "0123456789ABCDEF"};
        default: return {10, "0123456789"};
    }
}

constexpr size_t kMaxDigits = 22;  // 2^64 in octal

// Writes the digits so that they end at `end`; returns their start. 0 has no digits here.
char* write_digits(char* end, uint64_t magnitude, Radix radix) {
    for (; magnitude != 0; magnitude /= radix.base) *--end = radix.digits[magnitude % radix.base];
    return end;
}

}  // namespace

void put_integer(Sink& sink, const Conversion& conversion, uint64_t magnitude, bool negative) {
    char digits[kMaxDigits];
    char* const end = digits + sizeof digits;
    const char* start = write_digits(end, magnitude, radix_of(conversion.specifier));
    NumberText number{nullptr, 0, start, static_cast<size_t>(end - start)};

    const auto wanted = static_cast<size_t>(conversion.precision < 0 ? 1 : conversion.precision);
    if (number.body_bytes < wanted) number.zeros_before = wanted - number.body_bytes;
    const bool octal = conversion.alternative && conversion.specifier == 'o';
    if (octal && number.zeros_before == 0) number.zeros_before = 1;

    char prefix[2];
    const bool is_signed = conversion.specifier == 'd' || conversion.specifier == 'i';
    if (const char sign = conversion.sign(negative); is_signed && sign != '\0') {
        prefix[0] = sign;
        number.prefix_bytes = 1;
    } else if (conversion.alternative && magnitude != 0 && (conversion.specifier | 0x20) == 'x') {
        prefix[0] = '0', prefix[1] = conversion.specifier;
        number.prefix_bytes = 2;
    }
    number.prefix = prefix;
    put_number(sink, conversion, number,
               conversion.precision < 0 ? ZeroFill::Allowed : ZeroFill::Refused);
}

void put_pointer(Sink& sink, const Conversion& conversion, uint64_t address) {
    if (address == 0) return put_text(sink, conversion, "(nil)", 5);
    Conversion hexadecimal = conversion;
    hexadecimal.specifier = 'x';
    hexadecimal.alternative = true;
    put_integer(sink, hexadecimal, address, false);
}

}  // namespace shoal::libc
