// Page faults and memory requests: what the kernel asks of VM, and what VM tells it to do with the thread.
#pragma once

#include "servers/vm/fault/fault_message.hpp"
#include "servers/vm/fault/touch_granted.hpp"
#include "servers/vm/requests/action.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// A table is linked again where a thread faulted although nothing was missing: an earlier resume may have been overtaken by
// its thread's death.
inline TableLink link_of(const Touched& touched) {
    if (!touched.new_to_cpu && touched.outcome != Touch::Spurious) return {};
    return {touched.leaf->range().start, touched.leaf->table_frame().address()};
}

// Of what the kernel asks: it cannot be done. DoNotReply: it has been put aside; NoMemory: it is, if a round of calling in memory may help.
[[gnu::cold]] Action refuse(WorkerContext& context, const Receipt& receipt, Error error);

// kPageFault: one access of a thread on this CPU.
Action serve_fault(WorkerContext& context, const Receipt& receipt);

// The same, if the leaf has been granted the page and nothing is in the way. None: not this way, and nothing has changed.
[[gnu::always_inline]] inline Action serve_fault_shortly(WorkerContext& context, const Message& message) {
    const FaultMessage fault(message);
    Space* space = context.find_shortly(fault.process);
    if (space == nullptr) [[unlikely]] return Action::none();
    const Touched touched = touch_granted(context, *space, fault.address, Access::needed_for(fault.flags), Toucher::User);
    if (touched.outcome != Touch::Mapped) [[unlikely]] return Action::none();
    context.worker.statistics.faults.add();
    return Action::resume(fault.thread, fault.sequence, link_of(touched));
}

// kMemoryRequest: the kernel met absent pages in a copy, and replays it when they are there. One leaf that is new to this
// CPU an answer, since a resume links one table.
Action serve_memory_request(WorkerContext& context, const Receipt& receipt);

}  // namespace shoal::vm
