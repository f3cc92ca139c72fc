// Starts the other processors (SDM vol. 3A, 9.4.4): INIT and two startup interrupts to all at once, then everyone polls.
#pragma once

#include "kernel/smp/local/processor.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::smp {

// On the boot CPU, with a clock. Returns when every processor that answered is set up and verified; the others are reported
// and left out. Takes memory for all that may start.
void start_processors(MachineDescription& machine);

// For the self-test, after start_processors() has left the last candidate without its start-up: sends it now. True if that
// CPU came and halted.
bool start_late_processor(const MachineDescription& machine);

// Makes the calling CPU candidate 0 and CpuId 0, with an area of its own.
void make_boot_processor(MachineDescription& machine);

// Lets the others go on: Agreed, then Running, which is into the core.
void move_others_to(ProcessorState state);

}  // namespace shoal::smp
