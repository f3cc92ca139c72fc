// Words of the boot line, for the few choices that a program makes before it has a C library.
#pragma once

namespace shoal {

// Whether the line, words between single spaces, has exactly this word.
constexpr bool boot_line_has(const char* line, const char* word) {
    while (*line != '\0') {
        const char* at = word;
        while (*at != '\0' && *line == *at) ++line, ++at;
        if (*at == '\0' && (*line == ' ' || *line == '\0')) return true;
        while (*line != '\0' && *line != ' ') ++line;
        while (*line == ' ') ++line;
    }
    return false;
}

static_assert(boot_line_has("ipc=trap", "ipc=trap") && boot_line_has("a ipc=trap b", "ipc=trap"));
static_assert(!boot_line_has("ipc=trapped xipc=trap", "ipc=trap") && !boot_line_has("", "ipc=trap"));

}  // namespace shoal
