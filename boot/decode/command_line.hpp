// The boot line's options. Words that are not the kernel's are left to the servers, who get the whole line.
#pragma once

#include "kernel/smp/machine_description.hpp"

namespace shoal::boot {

// Words of the kernel's own whose value makes no sense, for a message.
struct BadWord {
    char text[40];
};
using BadWords = smp::BoundedList<BadWord, 8>;

// The last of several equal options counts.
void parse_command_line(const char* line, smp::BootOptions& options, BadWords& bad);

// Puts `more` behind the line, a blank between; false: it was cut at `capacity` (with the NUL).
bool append_to_line(char* line, size_t capacity, const char* more, size_t more_bytes);

}  // namespace shoal::boot
