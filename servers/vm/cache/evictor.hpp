// The evictor: takes pages out of the cache that nobody uses, when memory ends.
//
// A clock for each device: its blocks go round, and a page that was set or mapped by a file server since the last time is passed over once. Pages that
// file servers have mapped stay; those of files that somebody has mapped go last, because all who have them have to be asked (Withdrawal). A
// hit writes nothing for its sake.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Gives up as many pages that nobody has mapped, if there are, and if they are found in one step's time; their frames go to the worker's cache. The next
// call goes on from there. Returns how many.
uint64_t evict(WorkerContext& context, uint64_t wanted);
// Begins to give up pages of some device, as many, that may be mapped: the desk's eviction.
void begin_eviction(WorkerContext& context, uint64_t wanted);
// Whether another step may find some.
[[nodiscard]] bool anything_cached(WorkerContext& context);
// Before something is put into the cache: so that it does not take the last part of memory, of which tables need whole areas.
void keep_room(WorkerContext& context);

}  // namespace shoal::vm
