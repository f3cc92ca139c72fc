#include "libc-min/format/conversion.hpp"

#include <climits>

namespace shoal::libc {
namespace {

bool take_flag(char c, Conversion& conversion) {
    switch (c) {
        case '-': conversion.left = true; return true;
        case '+': conversion.plus = true; return true;
        case ' ': conversion.space = true; return true;
        case '#': conversion.alternative = true; return true;
        case '0': conversion.zero = true; return true;
        default: return false;
    }
}

// Digits, or a '*' argument. Numbers beyond int stay at its largest.
const char* take_number(const char* text, Arguments& arguments, int& number) {
    if (*text == '*') {
        number = va_arg(arguments.list, int);
        return text + 1;
    }
    number = 0;
    for (; *text >= '0' && *text <= '9'; ++text) {
        int next = 0;
        const bool over = __builtin_mul_overflow(number, 10, &next) ||
                          __builtin_add_overflow(next, *text - '0', &number);
        if (over) number = INT_MAX;
    }
    return text;
}

const char* take_length(const char* text, Length& length) {
    switch (*text) {
        case 'h':
            length = text[1] == 'h' ? Length::Char : Length::Short;
            return text + (text[1] == 'h' ? 2 : 1);
        case 'l':
            length = text[1] == 'l' ? Length::LongLong : Length::Long;
            return text + (text[1] == 'l' ? 2 : 1);
        case 'j': length = Length::LongLong; return text + 1;
        case 'z':
        case 't': length = Length::Size; return text + 1;
        case 'L': length = Length::LongDouble; return text + 1;
        default: return text;
    }
}

}  // namespace

const char* parse_conversion(const char* text, Arguments& arguments, Conversion& conversion) {
    while (take_flag(*text, conversion)) ++text;
    text = take_number(text, arguments, conversion.width);
    if (conversion.width < 0) {  // only a '*' argument can be: it means the '-' flag
        conversion.left = true;
        conversion.width = conversion.width == INT_MIN ? INT_MAX : -conversion.width;
    }
    if (*text == '.') {
        text = take_number(text + 1, arguments, conversion.precision);
        if (conversion.precision < 0) conversion.precision = -1;
    }
    text = take_length(text, conversion.length);
    conversion.specifier = *text;
    return *text == '\0' ? text : text + 1;
}

void put_number(Sink& sink, const Conversion& conversion, const NumberText& number, ZeroFill fill) {
    const size_t bytes = number.prefix_bytes + number.zeros_before + number.body_bytes;
    const auto width = static_cast<size_t>(conversion.width);
    const size_t padding = width > bytes ? width - bytes : 0;
    const bool zeros = conversion.zero && !conversion.left && fill == ZeroFill::Allowed;
    if (!conversion.left && !zeros) sink.repeat(' ', padding);
    sink.put(number.prefix, number.prefix_bytes);
    sink.repeat('0', number.zeros_before + (zeros ? padding : 0));
    sink.put(number.body, number.body_bytes);
    if (conversion.left) sink.repeat(' ', padding);
}

void put_text(Sink& sink, const Conversion& conversion, const char* text, size_t bytes) {
    put_number(sink, conversion, {nullptr, 0, text, bytes}, ZeroFill::Refused);
}

}  // namespace shoal::libc
