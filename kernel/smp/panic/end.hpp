// Ends the machine: QEMU's exit device, ACPI power off, reset, or waiting, as end= says.
#pragma once

#include <cstdint>

#include "kernel/smp/machine_description.hpp"

namespace shoal::smp {

// From boot, as soon as options and power control are known. Before that the machine just halts at its end.
void configure_end(const PowerControl& power, EndAction action);

inline constexpr uint64_t kHighestStatus = 255;  // that a program can give; higher ones become 255

// Prints "shoal: end status N".
[[noreturn]] void end_machine(uint64_t status);

// Prints nothing: the panic's line says it all.
[[noreturn]] void end_after_panic();

}  // namespace shoal::smp
