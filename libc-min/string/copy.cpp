// The string functions that write.
#include "libc-min/include/string.h"

SHOAL_C_BEGIN

char* strcpy(char* to, const char* from) {
    memcpy(to, from, strlen(from) + 1);
    return to;
}

char* strncpy(char* to, const char* from, size_t bytes) {
    const size_t length = strnlen(from, bytes);
    memcpy(to, from, length);
    memset(to + length, 0, bytes - length);
    return to;
}

char* strcat(char* to, const char* from) {
    strcpy(to + strlen(to), from);
    return to;
}

char* strncat(char* to, const char* from, size_t limit) {
    const size_t length = strnlen(from, limit);
    char* end = to + strlen(to);
    memcpy(end, from, length);
    end[length] = '\0';
    return to;
}

size_t strlcpy(char* to, const char* from, size_t bytes) {
    const size_t length = strlen(from);
    if (bytes == 0) return length;
    const size_t fitting = length < bytes ? length : bytes - 1;
    memcpy(to, from, fitting);
    to[fitting] = '\0';
    return length;
}

size_t strxfrm(char* to, const char* from, size_t bytes) { return strlcpy(to, from, bytes); }

char* strtok_r(char* text, const char* separators, char** rest) {
    if (text == nullptr) text = *rest;
    text += strspn(text, separators);
    if (*text == '\0') {
        *rest = text;
        return nullptr;
    }
    char* end = text + strcspn(text, separators);
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return text;
}

char* strtok(char* text, const char* separators) {
    static __thread char* rest;
    return strtok_r(text, separators, &rest);
}

SHOAL_C_END
