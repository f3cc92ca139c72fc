// Dispatcher: from a received message to what the worker tells the kernel next.
#pragma once

#include "abi/trap.hpp"
#include "servers/vm/calls/short_ways.hpp"
#include "servers/vm/fault/fault.hpp"
#include "servers/vm/requests/action.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// The common page fault. None: not this way, and nothing has changed.
[[gnu::always_inline]] inline Action dispatch_fault_shortly(WorkerContext& context, const Message& message, uint64_t status) {
    if (status != kFromKernel || message.type() != kPageFault) return Action::none();
    return serve_fault_shortly(context, message);
}

constexpr uint32_t type_of(VmCall call) { return kVmCallBase + static_cast<uint32_t>(call); }

// The calls that programs make most, where nothing is special about them. None: not this way, and nothing has changed.
[[gnu::always_inline]] inline Action dispatch_call_shortly(WorkerContext& context, Message& message, uint64_t status) {
    if ((status & (kTablesLow | kFromKernel | kNotification)) != 0) [[unlikely]] return Action::none();
    Space* space = context.find_shortly(ProcessId{static_cast<uint32_t>(message.words[kVmCallerWord])});
    if (space == nullptr) [[unlikely]] return Action::none();
    PartnerTlb tlb = PartnerTlb::Keep;
    if (message.type() == type_of(VmCall::Munmap)) [[likely]] {
        if (!unmap_shortly(context, *space, vm_calls::MunmapArguments::of(message))) [[unlikely]] return Action::none();
        tlb = PartnerTlb::Flush;
    } else if (message.type() == type_of(VmCall::Mmap)) [[likely]] {
        const VirtualAddress address = map_shortly(context, *space, vm_calls::MmapArguments::of(message));
        if (address.raw() == 0) [[unlikely]] return Action::none();
        message.words[1] = address.raw();
    } else if (message.type() == type_of(VmCall::Mprotect)) {
        if (!protect_shortly(context, *space, vm_calls::MprotectArguments::of(message), tlb)) return Action::none();
    } else if (message.type() == type_of(VmCall::Brk)) {  // its result is its argument
        if (!move_break_shortly(context, *space, vm_calls::BrkArguments::of(message).address, tlb)) return Action::none();
    } else {
        return Action::none();
    }
    message.set_outcome(Error::None);
    return Action::reply(message.source(), tlb);
}

// Everything else.
[[gnu::noinline]] Action dispatch_generally(WorkerContext& context, Exchange& exchange);

// Serves one message: a fault, a call, or news from the kernel. A reply's message takes the request's place. The worker's loop does
// the same in pieces, so that the short ways end in their trap.
Action dispatch(WorkerContext& context, Exchange& exchange);

// Goes on with one thing that waits at the worker's desk: a refused flush, a request, a grace period. Called when no message
// is there. A reply's message is put into the exchange, whose contents are of no use before.
Action work(WorkerContext& context, Exchange& exchange);

// Something waits at the desk: the worker should not block in receive.
inline bool has_work(const WorkerContext& context) { return context.desk.has_work(); }

// Between two requests: frees what no worker can see any more.
void quiesce(WorkerContext& context);

}  // namespace shoal::vm
