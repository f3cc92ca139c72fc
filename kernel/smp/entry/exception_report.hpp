// The end of a kernel that met an exception.
#pragma once

#include "kernel/core/registers.hpp"

namespace shoal::smp {

// Prints name, error code, faulting address and all registers, machine-check banks where they tell something, and panics with a
// backtrace from where it happened. Takes no lock.
[[noreturn]] void panic_by_exception(const kernel::Registers& registers);

}  // namespace shoal::smp
