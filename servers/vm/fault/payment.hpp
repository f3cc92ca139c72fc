// Payment: a page that another process wants is made present at the cost of the space that has it: for a copy by a grant, or a map.
//
// The last eighth of its quota is for what it touches itself: whoever may reach its memory cannot keep it from going on. What is present has been paid
// for. Several at once may each find the room that one of them takes.
#pragma once

#include "servers/vm/fault/touched.hpp"
#include "servers/vm/leaf/access.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Before touch_page() on behalf of another. Raced: nothing is in the way; NoMemory: it would take of the last eighth; or what else is in the way of
// a page that cannot be paid for.
Touch judge_payment(WorkerContext& context, Space& space, VirtualAddress address, Access needed);

}  // namespace shoal::vm
