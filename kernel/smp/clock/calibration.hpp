// How fast the TSC runs.
#pragma once

#include <cstdint>

#include "kernel/smp/clock/counter.hpp"

namespace shoal::smp {

struct TscFrequency {
    uint64_t hertz = 0;         // 0: unknown
    const char* source = "";    // for the boot line
};

// From CPUID 15h with 16h, the hypervisor's leaf 4000'0010h, or else measured against the counter: the median of several
// runs, so that one interrupted by a hypervisor or by SMM does no harm. On the boot CPU; 0 where there is nothing to go by.
TscFrequency find_tsc_frequency(Counter& reference);

}  // namespace shoal::smp
