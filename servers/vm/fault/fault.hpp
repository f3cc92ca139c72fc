// Page faults and memory requests: what the kernel asks of VM, and what VM tells it to do with the thread.
#pragma once

#include "servers/vm/requests/action.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// kPageFault: one access of a thread on this CPU.
Action serve_fault(WorkerContext& context, const Receipt& receipt);

// kMemoryRequest: the kernel met absent pages in a copy, and replays it when they are there. One leaf that is new to this
// CPU an answer, since a resume links one table.
Action serve_memory_request(WorkerContext& context, const Receipt& receipt);

}  // namespace shoal::vm
