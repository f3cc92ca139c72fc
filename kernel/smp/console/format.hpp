// printf formatting for the console: %s %c %d %i %u %x %p %%, lengths h hh l ll z, width, '0' and '-', precision of %s.
// No floating point: the kernel has none.
#pragma once

#include <cstdarg>
#include <cstddef>

namespace shoal::smp {

// Takes formatted text piece by piece.
struct TextSink {
    void (*write)(void* context, const char* text, size_t bytes);
    void* context;
};

void format(TextSink sink, const char* pattern, va_list arguments);

// Into a buffer of `capacity` bytes (at least 1), cut if too long and always ended by NUL. Returns the text's length.
size_t format_to(char* buffer, size_t capacity, const char* pattern, va_list arguments);

}  // namespace shoal::smp
