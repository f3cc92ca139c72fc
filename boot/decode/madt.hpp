// The Multiple APIC Description Table: CPUs, I/O APICs, interrupt overrides, NMI pins (ACPI 6.4, 5.2.12).
#pragma once

#include "boot/decode/byte_view.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::boot {

// madt: a valid table. Entries of unknown type or wrong length are passed over; a list that ends in the middle of one ends
// before it.
void decode_madt(ByteView madt, smp::MachineDescription& machine);

}  // namespace shoal::boot
