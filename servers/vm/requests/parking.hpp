// Parking: a request waits on the thing that is in its way, and whoever clears the way sends it back to its worker.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Makes a request that will be dispatched again, and hangs it on a chain that the caller has locked. Needs a reserved Request.
void park(WorkerContext& context, const Receipt& receipt, Request*& chain);
void park(Request& request, Request*& chain);

// Sends every request of the chain to its worker. The caller took the chain under its lock; locks may be held.
void release_all(WorkerContext& context, Request* chain);
void send_to_owner(WorkerContext& context, Request& request);

}  // namespace shoal::vm
