// What a processor does from its own stack until it enters the core.
#pragma once

#include "kernel/smp/local/processor.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::smp {

// The description that every CPU sets itself up by; before any starts.
void keep_machine(const MachineDescription& machine);

// Control registers, MSRs, local APIC, checks, timer: the same on the boot CPU.
void set_up_this_cpu(const MachineDescription& machine);

}  // namespace shoal::smp

extern "C" {
[[noreturn]] void processor_main(shoal::smp::Processor& self);
// entry.S: asks the core for a thread and goes to it.
[[noreturn]] void entry_leave();
}
