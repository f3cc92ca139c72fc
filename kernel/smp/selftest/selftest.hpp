// What every CPU tries out before it enters the core, where the boot line asks for it. A failure panics and says who and what.
// (Control registers and MSRs are always checked.)
//
//   selftest, log=debug  spurious interrupts, an interrupt from each CPU to each other, each CPU's timer, flushes by all CPUs
//                        at once
//   selftest=late-cpu    the last CPU gets its start-up only after it was given up: it has to halt
//   selftest=stack       the last CPU overflows its kernel stack: ends in the panic that names the guard page
#pragma once

#include "kernel/smp/machine_description.hpp"

namespace shoal::smp::selftest {

// On all CPUs at once, the boot CPU as well. Returns at once where nothing was asked for.
void take_part(const MachineDescription& machine);

}  // namespace shoal::smp::selftest
