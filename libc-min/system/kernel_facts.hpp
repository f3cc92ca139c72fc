#pragma once

#include "abi/kernel_info.hpp"

namespace shoal {

// The kernel's answer to `info`, now. All zero if it refused.
KernelInfo kernel_facts();

}  // namespace shoal
