#include "servers/vm/fault/fault.hpp"

#include "servers/vm/fault/fault_message.hpp"
#include "servers/vm/fault/payment.hpp"
#include "servers/vm/fault/touch_page.hpp"
#include "servers/vm/files/file_read.hpp"
#include "servers/vm/requests/shortage.hpp"

namespace shoal::vm {

namespace {

Error error_of(WorkerContext& context, Touch outcome, const Receipt& receipt) {
    switch (outcome) {
        case Touch::Parked: return Error::DoNotReply;
        case Touch::NoMemory: return Error::NoMemory;
        case Touch::Denied: return Error::AccessDenied;
        case Touch::Unreadable: return waits_for_itself(context, receipt) ? Error::Deadlock : receipt.read_failure();
        default: return Error::BadAddress;
    }
}

}  // namespace

Action refuse(WorkerContext& context, const Receipt& receipt, Error error) {
    if (error == Error::DoNotReply || (error == Error::NoMemory && wait_for_memory(context, receipt))) return Action::none();
    const FaultMessage about(receipt.message);
    return Action::refuse(about.thread, about.sequence, error);
}

Action serve_fault(WorkerContext& context, const Receipt& receipt) {
    const FaultMessage fault(receipt.message);
    context.worker.statistics.faults.add();
    const uint64_t swaps_ended = context.processes.swap_desk().ended();
    Space* space = context.find(fault.process);
    if (space == nullptr) [[unlikely]] return refuse(context, receipt, context.processes.swap_desk().explain_absence(context, receipt, swaps_ended));
    const Touched touched =
        touch_page(context, *space, fault.address, Access::needed_for(fault.flags), Toucher::User, receipt);
    if (!touched.usable()) return refuse(context, receipt, error_of(context, touched.outcome, receipt));
    return Action::resume(fault.thread, fault.sequence, link_of(touched));
}

Action serve_memory_request(WorkerContext& context, const Receipt& receipt) {
    const FaultMessage fault(receipt.message);
    const uint64_t swaps_ended = context.processes.swap_desk().ended();
    Space* space = context.find(fault.process);
    if (space == nullptr) [[unlikely]] return refuse(context, receipt, context.processes.swap_desk().explain_absence(context, receipt, swaps_ended));
    if (!fault.address.in_user_space() || fault.bytes > kUserTop - fault.address.raw())
        return Action::refuse(fault.thread, fault.sequence, Error::BadAddress);
    const bool own = fault.requester == fault.process;
    const Access needed = Access::needed_for(fault.flags);
    const VirtualRange range = VirtualRange::of(fault.address, fault.bytes);
    TableLink link{};
    // No more at once than others can wait for: the kernel asks again for what is then still absent.
    const VirtualAddress first = range.start.page_down();
    for (VirtualAddress at = first; at < range.end && at - first < kLeafSize; at = at + kPageSize) {
        if (link.wanted() && at.leaf_down() != link.base) break;
        const Touch payment = own ? Touch::Raced : judge_payment(context, *space, at, needed);
        if (payment != Touch::Raced) return refuse(context, receipt, error_of(context, payment, receipt));
        const Touched touched = touch_page(context, *space, at, needed, Toucher::User, receipt);
        if (!touched.usable()) return refuse(context, receipt, error_of(context, touched.outcome, receipt));
        // A device's page is there in vain: the kernel does not reach it.
        if (touched.leaf->table().get(page_in_leaf(at)).device()) return Action::refuse(fault.thread, fault.sequence, Error::BadAddress);
        // Once more where nothing was missing: an answer that a later page spoilt may have kept the link to itself.
        if (!link.wanted()) link = link_of(touched);
    }
    return Action::resume(fault.thread, fault.sequence, link);
}

}  // namespace shoal::vm
