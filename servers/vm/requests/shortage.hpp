// What a worker does when memory runs out: first it gives up what it keeps itself, then it asks the others.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Puts the request aside for a round of draining, after which it is dispatched once more. False: it had its round already,
// or there is no memory even to put it aside; then the call fails.
bool wait_for_memory(WorkerContext& context, const Receipt& receipt);
// A request that goes on by itself afterwards.
bool wait_for_memory(WorkerContext& context, Request& request);
// Likewise where neighbouring frames are missing, however many there are: single ones that lie in caches keep others apart.
bool wait_for_neighbours(WorkerContext& context, Request& request);

// A call that gives memory back, and for which not even the stocks had what it takes: they have gone into operations under way,
// and return with these. It is dispatched again then, or, where nothing is under way, after one round of draining. Meanwhile
// the worker takes no message but the kernel's, so that one place is enough. False: it had its round already; it fails.
bool hold(WorkerContext& context, const Receipt& receipt);

// At a worker's start: fills the stocks: of objects that giving memory back draws on when there is none, of frames for servers.
void stock_up(WorkerContext& context);

// Gives up this worker's caches, but for the stocks, and some of the cached pages that nobody has mapped. Whether there were as many as one step gives up.
bool drain(WorkerContext& context);

// At kWorkerCalled: begins to answer the rounds that others began: drains, then gives up cached pages that are mapped, if there are no others, and
// empty leaves (LeafTrim).
void answer_shortage(WorkerContext& context);

// The trim is finished, and with it this worker's answer; the last to answer sends the waiting requests on.
void end_trim(WorkerContext& context);

// An object retired by this worker that no worker can hold any more.
void dispose(WorkerContext& context, RetireHook& hook);

}  // namespace shoal::vm
