// Dispatcher: from a received message to what the worker tells the kernel next.
#pragma once

#include "servers/vm/requests/action.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Serves one message: a fault, a call, or news from the kernel. A reply's message takes the request's place.
Action dispatch(WorkerContext& context, Exchange& exchange);

// Goes on with one thing that waits at the worker's desk: a refused flush, a request, a grace period. Called when no message
// is there. A reply's message is put into the exchange, whose contents are of no use before.
Action work(WorkerContext& context, Exchange& exchange);

// Something waits at the desk: the worker should not block in receive.
bool has_work(const WorkerContext& context);

// Between two requests: frees what no worker can see any more.
void quiesce(WorkerContext& context);

}  // namespace shoal::vm
