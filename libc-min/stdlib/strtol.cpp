#include <climits>

#include "libc-min/include/errno.h"
#include "libc-min/include/stdlib.h"
#include "libc-min/stdlib/integer_parser.hpp"

namespace {

using shoal::libc::ParsedInteger;

ParsedInteger parse(const char* text, char** end, int base) {
    const ParsedInteger parsed = shoal::libc::parse_integer(text, base);
    if (!parsed.valid_base) errno = EINVAL;
    if (end != nullptr) *end = const_cast<char*>(parsed.end);
    return parsed;
}

long long to_signed(const ParsedInteger& parsed) {
    const uint64_t limit = uint64_t{LLONG_MAX} + (parsed.negative ? 1 : 0);
    if (parsed.overflow || parsed.magnitude > limit) {
        errno = ERANGE;
        return parsed.negative ? LLONG_MIN : LLONG_MAX;
    }
    return static_cast<long long>(parsed.negative ? 0 - parsed.magnitude : parsed.magnitude);
}

unsigned long long to_unsigned(const ParsedInteger& parsed) {
    if (parsed.overflow) {
        errno = ERANGE;
        return ULLONG_MAX;
    }
    return parsed.negative ? 0 - parsed.magnitude : parsed.magnitude;
}

}  // namespace

SHOAL_C_BEGIN

long strtol(const char* text, char** end, int base) { return to_signed(parse(text, end, base)); }
long long strtoll(const char* text, char** end, int base) {
    return to_signed(parse(text, end, base));
}
unsigned long strtoul(const char* text, char** end, int base) {
    return to_unsigned(parse(text, end, base));
}
unsigned long long strtoull(const char* text, char** end, int base) {
    return to_unsigned(parse(text, end, base));
}

int atoi(const char* text) { return static_cast<int>(strtol(text, nullptr, 10)); }
long atol(const char* text) { return strtol(text, nullptr, 10); }
long long atoll(const char* text) { return strtoll(text, nullptr, 10); }

int abs(int value) { return value < 0 ? -value : value; }
long labs(long value) { return value < 0 ? -value : value; }
long long llabs(long long value) { return value < 0 ? -value : value; }

SHOAL_C_END
