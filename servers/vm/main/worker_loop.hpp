// The loop of a worker in the guest: one trap tells the kernel what to do with the last one who asked, and brings the next.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Declares the worker ready and serves for ever.
[[noreturn]] void serve(WorkerContext& context);
// Likewise, and prints every call and its answer (call_trace.hpp).
[[noreturn]] void serve_and_trace(WorkerContext& context);

}  // namespace shoal::vm
