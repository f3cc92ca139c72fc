// Launch of the VM server, and its window: the part of its space in which every frame that it owns is mapped at
// kWindowBase + physical address (machine::hide_from_window and show_in_window change it).
//
// All of VM's space (image, boot information, stacks, window) is one static tree of tables; each CPU has a top-level table of
// its own that refers to it.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::smp {

// What kernel/smp supplies: drops the translations of a range of VM's space on every CPU, and returns when all have.
struct WindowHooks {
    void (*flush_everywhere)(VirtualRange range);
};

// Builds VM's space, hands every free frame and the modules' to VM, and has the core create VM (a worker pinned on each CPU),
// RS and PM. Called once by kernel/smp on the boot CPU when all CPUs are up and the core is initialised; frames can no longer
// be taken afterwards. Panics where there is no module "vm" or it is no valid program.
void launch_vm(MachineDescription& machine, uint32_t cpus, const WindowHooks& hooks);

}  // namespace shoal::smp
