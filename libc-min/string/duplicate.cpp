// The string functions that need the heap.
#include "libc-min/include/stdlib.h"
#include "libc-min/include/string.h"

SHOAL_C_BEGIN

char* strndup(const char* text, size_t limit) {
    const size_t length = strnlen(text, limit);
    auto* copy = static_cast<char*>(malloc(length + 1));
    if (copy == nullptr) return nullptr;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char* strdup(const char* text) { return strndup(text, ~size_t{0}); }

SHOAL_C_END
