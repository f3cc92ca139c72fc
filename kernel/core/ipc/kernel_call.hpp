// Trap KernelCall: from a number to its handler, if the caller may call it.
#pragma once

#include "kernel/core/cpu.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// Of the current thread. Handlers touch all user memory they need before their first effect: a call that finds a page
// absent is carried out anew from the start when VM has provided it.
void kernel_call(Cpu& cpu, Thread& caller);

}  // namespace shoal::kernel
