// Booting VM: the arena from what the kernel handed over, and RS, the first process, from its module.
#pragma once

#include "abi/boot_info.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Lays out the arena over the memory of the boot information; modules keep their frames. nullptr: it cannot be done.
ArenaHeader* make_arena(const BootInfo& info);

// Gives RS its space with the boot image in it, loads it, and starts it. Error: what stood in the way.
Result<void> start_rs(WorkerContext& context, const BootInfo& info);

}  // namespace shoal::vm
