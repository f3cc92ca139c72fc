// One conversion specification of a format string (ISO C 7.21.6.1), decoded.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "libc-min/format/sink.hpp"

namespace shoal::libc {

enum class Length : uint8_t { Int, Char, Short, Long, LongLong, Size, LongDouble };

struct Conversion {
    bool left = false;         // '-'
    bool plus = false;         // '+'
    bool space = false;        // ' '
    bool alternative = false;  // '#'
    bool zero = false;         // '0'
    int width = 0;
    int precision = -1;        // -1: none given
    Length length = Length::Int;
    char specifier = '\0';

    // The sign character of a number, '\0' for none.
    [[nodiscard]] char sign(bool negative) const {
        if (negative) return '-';
        if (plus) return '+';
        return space ? ' ' : '\0';
    }
};

// va_list by reference, whatever it is an array or a structure.
struct Arguments {
    va_list list;
};

// Decodes what follows a '%' and takes '*' arguments. Returns the first character behind the specification.
const char* parse_conversion(const char* text, Arguments& arguments, Conversion& conversion);

// A number in parts: padding goes outside, zeros of the '0' flag between prefix and body.
struct NumberText {
    const char* prefix;
    size_t prefix_bytes;
    const char* body;
    size_t body_bytes;
    size_t zeros_before = 0;  // demanded by a precision
};
enum class ZeroFill : uint8_t { Allowed, Refused };
void put_number(Sink& sink, const Conversion& conversion, const NumberText& number, ZeroFill fill);

void put_integer(Sink& sink, const Conversion& conversion, uint64_t magnitude, bool negative);
void put_pointer(Sink& sink, const Conversion& conversion, uint64_t address);
// bits: of an IEEE 754 double, so that this compiles where the FPU is out of bounds.
void put_floating(Sink& sink, const Conversion& conversion, uint64_t bits);
void put_text(Sink& sink, const Conversion& conversion, const char* text, size_t bytes);

}  // namespace shoal::libc
