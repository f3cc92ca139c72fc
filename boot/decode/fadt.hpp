// The Fixed ACPI Description Table: PM timer, reset register, PM1 control (ACPI 6.4, 5.2.9).
#pragma once

#include "boot/decode/byte_view.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::boot {

// Fills in pm_timer and power; returns the DSDT's address, 0 if there is none.
uint64_t decode_fadt(ByteView fadt, smp::MachineDescription& machine);

}  // namespace shoal::boot
