// Start of the spaces: after initialise() of the core (kernel/core/boot.hpp), before any thread runs.
#pragma once

#include "kernel/core/boot.hpp"
#include "kernel/core/space/cpu_spaces.hpp"

namespace shoal::kernel::space {

// Memory that initialise_spaces() needs, page-aligned, for good.
uint64_t space_bytes(const CoreLimits& limits);
// memory: zeroed, space_bytes() of it. Gives each Cpu its CpuSpaces.
void initialise_spaces(const CoreLimits& limits, void* memory);

// Gives the kernel a 2 MiB-aligned area for upper tables; it never comes back. Not in VM's window. One for every 32 CPUs, at
// least one, lets every CPU serve its first faults before VM lends more.
void add_boot_area(PhysicalAddress area);
// The top-level table of VM's space for one CPU. Call for each CPU before it enters the core.
void register_vm_root(CpuId cpu, PhysicalAddress root);

SharedSpaces& shared_spaces();
CpuSet holders_of(const Process& process);

}  // namespace shoal::kernel::space
