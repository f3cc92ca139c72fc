// Where a map goes that may lie anywhere.
#pragma once

#include "servers/vm/requests/worker_context.hpp"
#include "servers/vm/space/region.hpp"

namespace shoal::vm {

// Inserts a region of that many bytes, whole pages, in the slice of the worker's CPU, or in the common segment if it is large or the slice
// is full. Its address. Error: NoMemory (memory, quota or addresses); nothing has changed.
Result<VirtualAddress> place_anywhere(WorkerContext& context, Space& space, uint64_t bytes, RegionAttributes attributes);

}  // namespace shoal::vm
