// Brings the calling CPU into the state in which the kernel runs: control registers, MSRs, descriptor tables, FPU.
#pragma once

namespace shoal::smp {

// In this order, on every CPU, interrupts off, on the CPU's own root and kernel stack. features() is constant by then.
void set_up_processor();
// Reads everything back; panics with the CPU's number and the register that is not as it should be.
void verify_processor();

}  // namespace shoal::smp
