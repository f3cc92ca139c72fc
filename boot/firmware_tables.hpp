// From the RSDP to what the ACPI tables say about the machine.
#pragma once

#include "boot/decode/byte_view.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::boot {

// Fills in CPUs, interrupt controllers, timers, power control and the firmware's serial port. Needs the kernel's page tables:
// it maps what firmware calls reserved. Without ACPI the machine has one CPU, the local APIC at its usual place, and no more.
void read_firmware_tables(ByteView rsdp, smp::MachineDescription& machine);

}  // namespace shoal::boot
