// Joint requests: what the kernel asks for on behalf of safemap, safeunmap and saferevmap (kMapRequest, kUnmapRequest, kRevokeRequest).
// Their threads go on when it has been done.
#pragma once

#include "servers/vm/requests/action.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

Action serve_joint_request(WorkerContext& context, const Receipt& receipt);

}  // namespace shoal::vm
