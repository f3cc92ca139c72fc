// What boot told the core and programs may ask for. Constant after initialise().
#pragma once

#include <cstdint>

namespace shoal::kernel {

struct BootFacts {
    const char* command_line = "";
    uint64_t kernel_frames = 0;
    uint64_t tsc_khz = 0;
};
inline BootFacts boot_facts;

}  // namespace shoal::kernel
