// pin: makes present all that a process has mapped, and its own what it may write, in steps: so that it needs VM no more for what it has now.
//
// What no access could use stays as it is: a stack's guard, memory without rights, a file's page that cannot be read. A file's pages that are
// only read are the cache's, which takes them back where memory ends.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// request: of its process, from range.cursor on, at first 0 with an empty range. None: all is present; Again: not yet; DoNotReply: nor now, the request
// has been put aside; NoMemory: what was done stays.
Error pin_step(WorkerContext& context, Space& space, Request& request);

}  // namespace shoal::vm
