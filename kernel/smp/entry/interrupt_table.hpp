// The interrupt descriptor table: one for all CPUs, since every window shows it, and all stacks, at the same addresses.
#pragma once

namespace shoal::smp {

// Fills in the table; on the boot CPU, once, before any area is made.
void make_interrupt_table();
// This CPU uses its window's GDT, TSS and IDT from now on, and the flat segments.
void load_descriptor_tables();

}  // namespace shoal::smp
