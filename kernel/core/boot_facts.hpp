// What boot told the core and programs may ask for. Constant after initialise().
#pragma once

#include <cstdint>
#include <span>

#include "base/address.hpp"

namespace shoal::kernel {

struct BootFacts {
    const char* command_line = "";
    uint64_t kernel_frames = 0;
    uint64_t tsc_khz = 0;
    std::span<const FrameRange> kept;  // no driver's: memory, and what the kernel drives. Other frames below frames_end are devices', or nothing
    FrameNumber frames_end{0};           // beyond which an address cannot be put into a page table
};
inline BootFacts boot_facts;

}  // namespace shoal::kernel
