#include "kernel/smp/console/format.hpp"

#include <cstdint>
#include <cstring>

namespace shoal::smp {
namespace {

struct Field {
    bool left = false;
    char pad = ' ';
    int width = 0;
    int precision = -1;
    int longness = 0;  // 1: l, z; 2: ll
};

void pad(TextSink sink, char character, int count) {
    for (; count > 0; --count) sink.write(sink.context, &character, 1);
}

void put(TextSink sink, const Field& field, const char* text, size_t bytes) {
    const int missing = field.width - static_cast<int>(bytes);
    if (!field.left) pad(sink, field.pad, missing);
    sink.write(sink.context, text, bytes);
    if (field.left) pad(sink, ' ', missing);
}

void put_number(TextSink sink, Field field, uint64_t value, unsigned base, bool negative) {
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative && field.pad == '0' && !field.left) {  // the sign stands before the zeros
        sink.write(sink.context, "-", 1);
        --field.width;
    } else if (negative) {
        digits[--at] = '-';
    }
    put(sink, field, digits + at, sizeof digits - at);
}

void put_string(TextSink sink, const Field& field, const char* text) {
    if (text == nullptr) text = "(null)";
    size_t bytes = 0;
    while ((field.precision < 0 || bytes < static_cast<size_t>(field.precision)) && text[bytes] != '\0')
        ++bytes;
    put(sink, field, text, bytes);
}

int read_digits(const char*& at) {
    int value = 0;
    for (; *at >= '0' && *at <= '9'; ++at) value = value * 10 + (*at - '0');
    return value;
}

// What stands between '%' and the conversion's letter.
Field read_field(const char*& at, va_list& arguments) {
    Field field;
    for (;; ++at) {
        if (*at == '-') field.left = true;
        else if (*at == '0') field.pad = '0';
        else break;
    }
    field.width = read_digits(at);
    if (*at == '.') {
        ++at;
        if (*at == '*') {
            field.precision = va_arg(arguments, int);
            ++at;
        } else {
            field.precision = read_digits(at);
        }
    }
    for (; *at == 'l' || *at == 'z' || *at == 'h'; ++at)
        if (*at != 'h') ++field.longness;
    return field;
}

}  // namespace

void format(TextSink sink, const char* pattern, va_list passed) {
    va_list arguments;
    va_copy(arguments, passed);
    for (const char* at = pattern; *at != '\0';) {
        const char* literal = at;
        while (*at != '\0' && *at != '%') ++at;
        if (at != literal) sink.write(sink.context, literal, static_cast<size_t>(at - literal));
        if (*at == '\0') break;
        ++at;
        Field field = read_field(at, arguments);
        const char conversion = *at;
        if (conversion == '\0') break;
        ++at;
        switch (conversion) {
            case 'd':
            case 'i': {
                const int64_t value =
                    field.longness ? va_arg(arguments, int64_t) : va_arg(arguments, int);
                const auto bits = static_cast<uint64_t>(value);
                put_number(sink, field, value < 0 ? 0 - bits : bits, 10, value < 0);
                break;
            }
            case 'u':
            case 'x': {
                const uint64_t value =
                    field.longness ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
                put_number(sink, field, value, conversion == 'u' ? 10 : 16, false);
                break;
            }
            case 'p':
                sink.write(sink.context, "0x", 2);
                put_number(sink, field, va_arg(arguments, uint64_t), 16, false);
                break;
            case 'c': {
                const char character = static_cast<char>(va_arg(arguments, int));
                put(sink, field, &character, 1);
                break;
            }
            case 's': put_string(sink, field, va_arg(arguments, const char*)); break;
            default: sink.write(sink.context, &conversion, 1); break;
        }
    }
    va_end(arguments);
}

size_t format_to(char* buffer, size_t capacity, const char* pattern, va_list arguments) {
    struct Target {
        char* buffer;
        size_t room, used;
    } target{buffer, capacity - 1, 0};
    const TextSink sink{[](void* context, const char* text, size_t bytes) {
                            auto& t = *static_cast<Target*>(context);
                            const size_t fits = bytes < t.room - t.used ? bytes : t.room - t.used;
                            memcpy(t.buffer + t.used, text, fits);
                            t.used += fits;
                        },
                        &target};
    format(sink, pattern, arguments);
    buffer[target.used] = '\0';
    return target.used;
}

}  // namespace shoal::smp
