#pragma once

#include "base/c_linkage.h"

#ifdef __cplusplus
#include <stdint.h>

#include "base/error.hpp"

namespace shoal {
// Pins the calling thread to a CPU (kAnyCpu: frees it). It runs there when the call returns.
Error set_affinity(uint64_t cpu);
}  // namespace shoal
#endif

SHOAL_C_BEGIN
int sched_yield(void);
/* The CPU on which the caller ran a moment ago. */
int sched_getcpu(void);
SHOAL_C_END
