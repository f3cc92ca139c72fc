// Text to integer, as ISO C's strtol family wants it (7.22.1.4).
#pragma once

#include <cstdint>

namespace shoal::libc {

struct ParsedInteger {
    uint64_t magnitude = 0;
    bool negative = false;
    bool overflow = false;      // magnitude is then the largest
    bool valid_base = true;
    const char* end = nullptr;  // first character not used; the text itself if there was no number
};

// base: 2..36, or 0 for what the prefix says.
ParsedInteger parse_integer(const char* text, int base);

}  // namespace shoal::libc
