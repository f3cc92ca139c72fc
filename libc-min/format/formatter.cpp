#include "libc-min/format/formatter.hpp"

#include <bit>
#include <climits>

#include "libc-min/format/conversion.hpp"
#include "libc-min/include/string.h"

namespace shoal::libc {
namespace {

int64_t take_signed(Arguments& arguments, Length length) {
    switch (length) {
        case Length::Char: return static_cast<signed char>(va_arg(arguments.list, int));
        case Length::Short: return static_cast<short>(va_arg(arguments.list, int));
        case Length::Int: return va_arg(arguments.list, int);
        default: return va_arg(arguments.list, long);
    }
}

uint64_t take_unsigned(Arguments& arguments, Length length) {
    switch (length) {
        case Length::Char: return static_cast<unsigned char>(va_arg(arguments.list, unsigned));
        case Length::Short: return static_cast<unsigned short>(va_arg(arguments.list, unsigned));
        case Length::Int: return va_arg(arguments.list, unsigned);
        default: return va_arg(arguments.list, unsigned long);
    }
}

void put_signed(Sink& sink, Arguments& arguments, const Conversion& conversion) {
    const int64_t value = take_signed(arguments, conversion.length);
    const auto bits = static_cast<uint64_t>(value);
    put_integer(sink, conversion, value < 0 ? 0 - bits : bits, value < 0);
}

void put_string(Sink& sink, Arguments& arguments, const Conversion& conversion) {
    const char* text = va_arg(arguments.list, const char*);
    if (text == nullptr) text = "(null)";
    const size_t limit =
        conversion.precision < 0 ? ~size_t{0} : static_cast<size_t>(conversion.precision);
    put_text(sink, conversion, text, strnlen(text, limit));
}

void put_character(Sink& sink, Arguments& arguments, const Conversion& conversion) {
    const char c = static_cast<char>(va_arg(arguments.list, int));
    put_text(sink, conversion, &c, 1);
}

// Where the FPU is out of bounds (servers) no caller can have passed a double.
bool put_double(Sink& sink, Arguments& arguments, const Conversion& conversion) {
#ifdef __SSE2__
    // A long double loses what a double cannot hold.
    const double value = conversion.length == Length::LongDouble
                             ? static_cast<double>(va_arg(arguments.list, long double))
                             : va_arg(arguments.list, double);
    put_floating(sink, conversion, std::bit_cast<uint64_t>(value));
    return true;
#else
    (void)sink, (void)arguments, (void)conversion;
    return false;
#endif
}

// False if there is no such conversion.
bool put_conversion(Sink& sink, Arguments& arguments, const Conversion& conversion) {
    switch (conversion.specifier) {
        case 'd':
        case 'i': put_signed(sink, arguments, conversion); return true;
        case 'u':
        case 'o':
        case 'x':
        case 'X':
            put_integer(sink, conversion, take_unsigned(arguments, conversion.length), false);
            return true;
        case 'c': put_character(sink, arguments, conversion); return true;
        case 's': put_string(sink, arguments, conversion); return true;
        case 'p':
            put_pointer(sink, conversion, reinterpret_cast<uintptr_t>(va_arg(arguments.list, void*)));
            return true;
        case 'f':
        case 'F':
        case 'e':
        case 'E':
        case 'g':
        case 'G': return put_double(sink, arguments, conversion);
        case '%': sink.put('%'); return true;
        default: return false;
    }
}

}  // namespace

int format(Sink& sink, const char* text, va_list list) {
    Arguments arguments;
    va_copy(arguments.list, list);
    bool well_formed = true;
    while (*text != '\0' && well_formed) {
        const size_t plain = strcspn(text, "%");
        sink.put(text, plain);
        text += plain;
        if (*text == '\0') break;
        Conversion conversion;
        text = parse_conversion(text + 1, arguments, conversion);
        well_formed = put_conversion(sink, arguments, conversion);
    }
    va_end(arguments.list);
    return well_formed && sink.written() <= INT_MAX ? static_cast<int>(sink.written()) : -1;
}

}  // namespace shoal::libc
