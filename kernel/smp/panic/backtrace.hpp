// Backtrace by frame pointers (all of the kernel is compiled with them).
#pragma once

#include "kernel/smp/panic/panic.hpp"

namespace shoal::smp {

// Prints one line a frame. Trusts nothing: every word is looked at only if its page is mapped.
void print_backtrace(const StoppedAt& where);

}  // namespace shoal::smp
