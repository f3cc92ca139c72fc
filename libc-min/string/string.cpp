// The string functions that only look: lengths, comparisons, searches. Those that write are in copy.cpp.
//
// Compiled with -fno-builtin, like all definitions of functions that the compiler knows.
#include "libc-min/include/string.h"

namespace {

// ISO C returns a writable pointer into what it was given as const.
char* writable(const char* text) { return const_cast<char*>(text); }

bool is_one_of(char c, const char* set) {
    for (; *set != '\0'; ++set)
        if (*set == c) return true;
    return false;
}

}  // namespace

SHOAL_C_BEGIN

void* memchr(const void* block, int c, size_t bytes) {
    const auto* at = static_cast<const unsigned char*>(block);
    for (size_t i = 0; i < bytes; ++i)
        if (at[i] == static_cast<unsigned char>(c)) return const_cast<unsigned char*>(at + i);
    return nullptr;
}

size_t strlen(const char* text) {
    size_t length = 0;
    while (text[length] != '\0') ++length;
    return length;
}

size_t strnlen(const char* text, size_t limit) {
    size_t length = 0;
    while (length < limit && text[length] != '\0') ++length;
    return length;
}

int strncmp(const char* left, const char* right, size_t limit) {
    for (size_t i = 0; i < limit; ++i) {
        const auto a = static_cast<unsigned char>(left[i]), b = static_cast<unsigned char>(right[i]);
        if (a != b) return a < b ? -1 : 1;
        if (a == '\0') break;
    }
    return 0;
}

int strcmp(const char* left, const char* right) { return strncmp(left, right, ~size_t{0}); }
int strcoll(const char* left, const char* right) { return strcmp(left, right); }

char* strchr(const char* text, int c) {
    for (;; ++text) {
        if (*text == static_cast<char>(c)) return writable(text);
        if (*text == '\0') return nullptr;
    }
}

char* strrchr(const char* text, int c) {
    const char* found = nullptr;
    for (;; ++text) {
        if (*text == static_cast<char>(c)) found = text;
        if (*text == '\0') return writable(found);
    }
}

// Quadratic in the worst case; what is searched here is names and options.
char* strstr(const char* text, const char* wanted) {
    const size_t length = strlen(wanted);
    for (;; ++text) {
        if (strncmp(text, wanted, length) == 0) return writable(text);
        if (*text == '\0') return nullptr;
    }
}

size_t strspn(const char* text, const char* accepted) {
    size_t length = 0;
    while (text[length] != '\0' && is_one_of(text[length], accepted)) ++length;
    return length;
}

size_t strcspn(const char* text, const char* rejected) {
    size_t length = 0;
    while (text[length] != '\0' && !is_one_of(text[length], rejected)) ++length;
    return length;
}

char* strpbrk(const char* text, const char* accepted) {
    text += strcspn(text, accepted);
    return *text == '\0' ? nullptr : writable(text);
}

SHOAL_C_END
