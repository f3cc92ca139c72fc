#include "servers/vm/main/worker_loop.hpp"

#include "abi/kernel_call_stubs.hpp"
#include "libc-min/trap.hpp"
#include "servers/vm/main/call_trace.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "servers/vm/requests/lent_areas.hpp"
#include "servers/vm/requests/shortage.hpp"

namespace shoal::vm {

namespace {

// What Trap::Resume takes; in pieces, so that it stays in registers.
[[gnu::always_inline]] inline TrapResult resume(Endpoint thread, uint32_t sequence, Error error, TableLink link, uint64_t flags,
                                                Message& message) {
    message.words[0] = static_cast<uint64_t>(to_register(error));
    message.words[1] = link.wanted() ? link.base.raw() : 0;
    message.words[2] = link.table.raw();
    return internal::trap(internal::number_of(Trap::Resume, flags), uint64_t{sequence} << 32 | thread.raw(), message);
}

[[gnu::always_inline]] inline TrapResult reply(const Action& action, uint64_t flags, Endpoint from, Message& message) {
    const bool somebody = action.kind == Action::Kind::Reply;
    if (!somebody) flags |= kNoReply;
    return internal::trap(internal::number_of(Trap::ReplyReceive, flags),
                          internal::partners_of(somebody ? action.partner : kNone, from), message);
}

// The kernel had no frames for upper tables, and has done nothing yet.
[[gnu::noinline, gnu::cold]] TrapResult lend_and_resume(WorkerContext& context, Endpoint thread, uint32_t sequence, TableLink link,
                                                        uint64_t flags, Message& message) {
    TrapResult result{Error::NoMemory};
    while (result.error == Error::NoMemory && lend_area(context).ok())
        result = resume(thread, sequence, Error::None, link, flags, message);
    if (result.error != Error::NoMemory) return result;
    return resume(thread, sequence, Error::NoMemory, {}, flags, message);
}

[[gnu::noinline]] uint64_t flags_for_work(const WorkerContext& context) {
    return uint64_t{kNonBlocking} | (context.desk.gives_way ? uint64_t{kGiveWay} : 0);
}

// Does what the action says and receives the next message; NotReady: there is none, and work waits at the desk.
[[gnu::always_inline]] inline TrapResult finish_and_receive(WorkerContext& context, const Action& action, Message& message,
                                                              Endpoint from = kAny) {
    uint64_t flags = has_work(context) ? flags_for_work(context) : 0;
    if (action.tlb == PartnerTlb::Flush) flags |= kFlushPartner;
    if (action.kind != Action::Kind::Resume) return reply(action, flags, from, message);
    const TrapResult result = resume(action.partner, action.sequence, action.error, action.link, flags, message);
    if (result.error == Error::NoMemory) [[unlikely]]
        return lend_and_resume(context, action.partner, action.sequence, action.link, flags, message);
    return result;
}

// Whom a worker hears that holds a call (hold()): the kernel alone.
Endpoint heard(const WorkerContext& context) { return context.desk.holding ? kKernel : kAny; }

[[gnu::noinline]] TrapResult serve_generally(WorkerContext& context, Exchange& exchange, uint64_t status) {
    exchange.renew(status);
    const Action action = dispatch_generally(context, exchange);
    return finish_and_receive(context, action, exchange.message, heard(context));
}

[[gnu::noinline]] TrapResult go_on_working(WorkerContext& context, Exchange& exchange) {
    const Action action = work(context, exchange);
    return finish_and_receive(context, action, exchange.message, heard(context));
}

// What was received, and on to the next. Each way has its own trap at its end.
[[gnu::always_inline]] inline TrapResult serve_one(WorkerContext& context, Exchange& exchange, uint64_t status) {
    const Action fault = dispatch_fault_shortly(context, exchange.message, status);
    if (fault.kind != Action::Kind::None) [[likely]] return finish_and_receive(context, fault, exchange.message);
    const Action call = dispatch_call_shortly(context, exchange.message, status);
    if (call.kind != Action::Kind::None) [[likely]] return finish_and_receive(context, call, exchange.message);
    return serve_generally(context, exchange, status);
}

TrapResult serve_traced(WorkerContext& context, Exchange& exchange, TrapResult received) {
    if (received.error == Error::None) {
        exchange.renew(received.status);
        trace_call(context, exchange.message, received.status);
    }
    const Action action = received.error == Error::None ? dispatch(context, exchange) : work(context, exchange);
    trace_answer(context, action, exchange.message);
    return finish_and_receive(context, action, exchange.message, heard(context));
}

// The first message, or that there is none.
TrapResult begin(WorkerContext& context, Exchange& exchange) {
    stock_up(context);
    (void)kernel_calls::worker_ready(VirtualAddress{reinterpret_cast<uint64_t>(&context.worker.epoch)});
    return finish_and_receive(context, Action::none(), exchange.message);
}

}  // namespace

void serve(WorkerContext& context) {
    Exchange exchange;
    TrapResult received = begin(context, exchange);
    for (;;) {
        quiesce(context);
        if (received.error == Error::None) [[likely]] received = serve_one(context, exchange, received.status);
        else received = go_on_working(context, exchange);
    }
}

void serve_and_trace(WorkerContext& context) {
    Exchange exchange;
    TrapResult received = begin(context, exchange);
    for (;;) {
        quiesce(context);
        received = serve_traced(context, exchange, received);
    }
}

}  // namespace shoal::vm
