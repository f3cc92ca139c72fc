// Formatted text into memory.
#include "libc-min/format/formatter.hpp"
#include "libc-min/include/stdio.h"
#include "libc-min/include/string.h"

namespace {

// What does not fit is counted and dropped.
struct Buffer {
    char* to;
    size_t room;  // without the final NUL

    static void write(void* state, const char* text, size_t bytes) {
        auto* buffer = static_cast<Buffer*>(state);
        const size_t fitting = bytes < buffer->room ? bytes : buffer->room;
        if (fitting != 0) __builtin_memcpy(buffer->to, text, fitting);
        buffer->to += fitting;
        buffer->room -= fitting;
    }
};

}  // namespace

SHOAL_C_BEGIN

int vsnprintf(char* to, size_t bytes, const char* format, va_list arguments) {
    Buffer buffer{to, bytes == 0 ? 0 : bytes - 1};
    shoal::libc::Sink sink(Buffer::write, &buffer);
    const int length = shoal::libc::format(sink, format, arguments);
    if (bytes != 0) *buffer.to = '\0';
    return length;
}

int snprintf(char* to, size_t bytes, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(to, bytes, format, arguments);
    va_end(arguments);
    return length;
}

int vsprintf(char* to, const char* format, va_list arguments) {
    return vsnprintf(to, ~size_t{0} >> 1, format, arguments);
}

int sprintf(char* to, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsprintf(to, format, arguments);
    va_end(arguments);
    return length;
}

SHOAL_C_END
