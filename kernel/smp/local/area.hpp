// Makes a CPU's own memory: top-level table, the tables of its window, CPU-local page, stacks.
#pragma once

#include "kernel/smp/local/processor.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::smp {

// On the boot CPU, for each candidate, before it starts. Fills in root and local of `processor` and the descriptors in its
// page; the top-level table shares the upper half with kernel_root but for the window, and has nothing in its lower half. Takes
// 17 frames.
void make_area(MachineDescription& machine, Processor& processor);

// The interrupt descriptor table's frame, which every window shows read-only. From entry/idt.cpp.
PhysicalAddress interrupt_table_frame();

}  // namespace shoal::smp
