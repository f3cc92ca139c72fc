// The birth of a space: by the call create, and at boot for RS.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Errors: NoProcess (no such slot), Busy (the slot has a space), NoMemory.
Result<Space*> create_space(WorkerContext& context, ProcessId process, CpuId home, PageCount quota,
                            Standing standing);

}  // namespace shoal::vm
