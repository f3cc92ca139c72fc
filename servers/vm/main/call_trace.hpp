// Call trace: with vm.trace=calls on the boot line a worker says what it is called for, and what it answers:
//
//     vm: cpu 0x1: mmap(0x0, 0x2000, 0x3, 0x22) for 0x20007
//     vm: cpu 0x1: 0x20007 has success
//
// A worker that does not trace has a loop of its own, and pays nothing for it. Calls only: a page fault is not one.
#pragma once

#include "servers/vm/requests/action.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// What has been received, unless the kernel made it.
void trace_call(const WorkerContext& context, const Message& message, uint64_t status);
// Before it is done; the message is the reply's.
void trace_answer(const WorkerContext& context, const Action& action, const Message& message);

}  // namespace shoal::vm
