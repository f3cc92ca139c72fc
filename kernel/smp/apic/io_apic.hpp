// The I/O APICs (82093AA data sheet).
#pragma once

#include "kernel/smp/machine_description.hpp"

namespace shoal::smp {

// Masks every input of every I/O APIC, whatever the firmware routed.
void mask_io_apics(const MachineDescription& machine);

}  // namespace shoal::smp
