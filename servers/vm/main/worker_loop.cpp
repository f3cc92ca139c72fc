#include "servers/vm/main/worker_loop.hpp"

#include "abi/kernel_call_stubs.hpp"
#include "libc-min/trap.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "servers/vm/requests/lent_areas.hpp"
#include "servers/vm/requests/shortage.hpp"

namespace shoal::vm {

namespace {

TrapResult resume(const Action& action, uint64_t flags, Message& message) {
    message.words[0] = static_cast<uint64_t>(to_register(action.error));
    message.words[1] = action.link.wanted() ? action.link.base.raw() : 0;
    message.words[2] = action.link.table.raw();
    const uint64_t partners = uint64_t{action.sequence} << 32 | action.partner.raw();
    return internal::trap(internal::number_of(Trap::Resume, flags), partners, message);
}

TrapResult reply(const Action& action, uint64_t flags, Endpoint from, Message& message) {
    const bool somebody = action.kind == Action::Kind::Reply;
    if (!somebody) flags |= kNoReply;
    return internal::trap(internal::number_of(Trap::ReplyReceive, flags),
                          internal::partners_of(somebody ? action.partner : kNone, from), message);
}

// The kernel had no frames for upper tables, and has done nothing yet.
[[gnu::noinline, gnu::cold]] TrapResult lend_and_resume(WorkerContext& context, const Action& action, uint64_t flags,
                                                        Message& message) {
    TrapResult result{Error::NoMemory};
    while (result.error == Error::NoMemory && lend_area(context).ok()) result = resume(action, flags, message);
    if (result.error != Error::NoMemory) return result;
    return resume(Action::refuse(action.partner, action.sequence, Error::NoMemory), flags, message);
}

// Does what the action says and receives the next message; NotReady: there is none, and work waits at the desk.
TrapResult finish_and_receive(WorkerContext& context, const Action& action, Message& message) {
    uint64_t flags = has_work(context) ? uint64_t{kNonBlocking} : 0;
    if (action.tlb == PartnerTlb::Flush) flags |= kFlushPartner;
    if (action.kind != Action::Kind::Resume) return reply(action, flags, context.desk.holding ? kKernel : kAny, message);
    const TrapResult result = resume(action, flags, message);
    if (result.error == Error::NoMemory) [[unlikely]] return lend_and_resume(context, action, flags, message);
    return result;
}

}  // namespace

void serve(WorkerContext& context) {
    stock_up(context);
    (void)kernel_calls::worker_ready(VirtualAddress{reinterpret_cast<uint64_t>(&context.worker.epoch)});
    Action action = Action::none();
    for (Exchange exchange;;) {
        const TrapResult received = finish_and_receive(context, action, exchange.message);
        quiesce(context);
        if (received.error != Error::None) {
            action = work(context, exchange);
            continue;
        }
        exchange.status = received.status;
        exchange.after_shortage = false;
        action = dispatch(context, exchange);
    }
}

}  // namespace shoal::vm
