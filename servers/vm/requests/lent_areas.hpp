// Areas of 2 MiB that VM lends the kernel for upper page tables (docs/decisions/0005), and takes back in a shortage.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Keeps the kernel's stock of table frames filled: lends it one area. Error: NoMemory.
Result<void> lend_area(WorkerContext& context);

// Takes back every area that the kernel does not use any more, into the pool.
void reclaim_areas(WorkerContext& context);

}  // namespace shoal::vm
