// Engagement: a request is in the middle of work on processes that need not stand still for it. Until its end they keep their places: a swap is
// Busy, as what was done to one instance must not go on with the other. What has not begun is about whoever has the name then.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// In the step that has found the request's processes, and has set them.
void engage(WorkerContext& context, Request& request);
// At its end, whether it is engaged or not.
void end_engagement(WorkerContext& context, Request& request);

}  // namespace shoal::vm
