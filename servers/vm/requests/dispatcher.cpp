#include "servers/vm/requests/dispatcher.hpp"

#include <utility>

#include "abi/trap.hpp"
#include "abi/vm_call_dispatch.hpp"
#include "servers/vm/cache/withdrawal.hpp"
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/contiguous_operation.hpp"
#include "servers/vm/calls/exit_operation.hpp"
#include "servers/vm/calls/fork_operation.hpp"
#include "servers/vm/calls/load_operation.hpp"
#include "servers/vm/calls/object_end.hpp"
#include "servers/vm/calls/share_operation.hpp"
#include "servers/vm/calls/touch_operation.hpp"
#include "servers/vm/fault/fault.hpp"
#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/joint/joint_requests.hpp"
#include "servers/vm/joint/map_memory.hpp"
#include "servers/vm/joint/unmap_memory.hpp"
#include "servers/vm/platform/platform.hpp"
#include "servers/vm/requests/leaf_trim.hpp"
#include "servers/vm/requests/lent_areas.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "servers/vm/update/engagement.hpp"
#include "servers/vm/update/preallocation.hpp"
#include "servers/vm/update/prepare_operation.hpp"
#include "servers/vm/update/swap_operation.hpp"

namespace shoal::vm {

namespace {

bool for_system_only(uint32_t number) {
    constexpr size_t kWords = sizeof(kVmCallsForSystem) / sizeof(kVmCallsForSystem[0]);
    return number / 64 < kWords && (kVmCallsForSystem[number / 64] >> (number % 64) & 1) != 0;
}

// What its privileges give, which the kernel tells, but for what has been taken away from it since (rs_set_priv).
CallRight right_of(const Space* caller, uint64_t caller_word, uint32_t number) {
    static_assert(kVmCallLimit <= 64, "a mask is one word");
    if ((caller_word & kVmCallAllowed) == 0) return CallRight::Plain;
    return caller == nullptr || caller->allows_call(number) ? CallRight::Granted : CallRight::Plain;
}

struct Results {
    uint64_t words[3] = {};
};

Action answer(Exchange& exchange, Endpoint caller, Error error, const Results& results, PartnerTlb tlb) {
    exchange.message.set_outcome(error);
    for (unsigned i = 0; i < 3; ++i) exchange.message.words[1 + i] = results.words[i];
    return Action::reply(caller, tlb);
}

Action serve_call(WorkerContext& context, Exchange& exchange) {
    Message& message = exchange.message;
    const Endpoint caller = message.source();
    const uint64_t caller_word = message.words[kVmCallerWord];
    const ProcessId process{static_cast<uint32_t>(caller_word)};
    const uint32_t number = message.type() - kVmCallBase;
    SwapDesk& swaps = context.processes.swap_desk();
    const uint64_t swaps_ended = swaps.ended();
    Space* const space = context.find(process);
    // While it is being swapped, too.
    const CallRight right = right_of(context.find_in_step(process), caller_word, number);
    const bool let_in = right == CallRight::Granted || exchange.again || !for_system_only(number);  // again: a call that has waited goes on
    if (!let_in) return answer(exchange, caller, Error::CallDenied, {}, PartnerTlb::Keep);
    FileRequest* file = std::exchange(exchange.file, nullptr);
    CallHandlers handlers(context, exchange, file, process, space, right);
    Error error = dispatch_call(static_cast<VmCall>(number), handlers, message);  // changes it only if all went well
    if (error == Error::None) [[likely]] {
        message.set_type(0);
        return Action::reply(caller, handlers.tlb());
    }
    if (error == Error::NoProcess) error = swaps.explain_absence(context, exchange, swaps_ended);
    if (error == Error::DoNotReply || (error == Error::NoMemory && wait_for_memory(context, exchange))) return Action::none();
    return answer(exchange, caller, error, {{handlers.reason()}}, handlers.tlb());
}

void worker_called(WorkerContext& context) {
    context.processes.rendezvous().join(context.locks());
    context.desk.collect();
    answer_shortage(context);
}

Action kernel_news(WorkerContext& context, const Receipt& receipt) {
    const Message& message = receipt.message;
    switch (message.type()) {
        case kPageFault:
            return serve_fault(context, receipt);
        case kMemoryRequest:
            return serve_memory_request(context, receipt);
        case kMapRequest:
        case kUnmapRequest:
        case kRevokeRequest:
            return serve_joint_request(context, receipt);
        case kFlushDone:
            FlushBatch::done(context, *reinterpret_cast<FlushBatch*>(message.words[1]));
            return Action::none();
        case kWorkerCalled:
            worker_called(context);
            return Action::none();
        case kSpaceGone:
            ExitOperation::space_gone(context, ProcessId{static_cast<uint32_t>(message.words[1])});
            return Action::none();
        default:
            return Action::none();
    }
}

// The answer of a request that ends here, and its end.
Action conclude(WorkerContext& context, Request& request, Exchange& exchange) {
    const Endpoint caller = request.receipt.message.source();
    const Error error = request.error;
    const Results results{{request.results[0], request.results[1], request.results[2]}};
    if (request.answerer != context.cpu()) {
        // The caller waits for the worker that it asked.
        request.owner = request.answerer;
        send_to_owner(context, request);
        return Action::none();
    }
    end_engagement(context, request);
    if (request.kind == RequestKind::Range) --context.desk.range_operations;
    if (request.kind == RequestKind::Exit && error != Error::None) ExitOperation::give_up(context, request);
    else context.slabs().destroy(&request);
    exchange.message = Message{};  // what stands there was somebody else's
    return answer(exchange, caller, error, results, PartnerTlb::Keep);
}

// Of what the kernel has asked for.
Action conclude_joint(WorkerContext& context, Request& request) {
    const FaultMessage about(request.receipt.message);
    const Error error = request.error;
    context.slabs().destroy(&request);
    return Action::refuse(about.thread, about.sequence, error);
}

Action go_on(WorkerContext& context, Request& request, Exchange& exchange) {
    if (context.processes.swap_desk().under_way() && waits_for_swap(context, request)) [[unlikely]] return Action::none();
    switch (request.kind) {
        case RequestKind::Again:
            if (context.desk.holding) {  // its answer may be a Resume, which receives from all
                context.desk.push_ready(request);
                return Action::none();
            }
            exchange = request.receipt;
            exchange.again = true;
            context.slabs().destroy(&request);
            return dispatch(context, exchange);
        case RequestKind::Held:
            exchange = request.receipt;
            exchange.again = true;
            context.desk.holding = false;
            return dispatch(context, exchange);
        case RequestKind::Range:
            return RangeOperation::proceed(context, request) ? conclude(context, request, exchange) : Action::none();
        case RequestKind::Exit:
            if (request.finished) return conclude(context, request, exchange);
            if (request.space == nullptr) {  // sent on to the home CPU, to be begun here
                const Error error = ExitOperation::start(context, request);
                if (error == Error::DoNotReply) return Action::none();
                request.error = error;
                request.finished = true;
                return conclude(context, request, exchange);
            }
            if (!ExitOperation::proceed(context, request)) return Action::none();
            request.finished = true;
            return conclude(context, request, exchange);
        case RequestKind::Share:
            return ShareOperation::proceed(context, request) ? conclude(context, request, exchange) : Action::none();
        case RequestKind::Load:
            return LoadOperation::proceed(context, request) ? conclude(context, request, exchange) : Action::none();
        case RequestKind::Fork:
            return ForkOperation::proceed(context, request) ? conclude(context, request, exchange) : Action::none();
        case RequestKind::Swap:
            return SwapOperation::proceed(context, request) ? conclude(context, request, exchange) : Action::none();
        case RequestKind::Prepare:
            return PrepareOperation::proceed(context, request) ? conclude(context, request, exchange) : Action::none();
        case RequestKind::Preallocate:
            return Preallocation::proceed(context, request) ? conclude(context, request, exchange) : Action::none();
        case RequestKind::Touch:
            return TouchOperation::proceed(context, request) ? conclude(context, request, exchange) : Action::none();
        case RequestKind::Contiguous:
            return ContiguousOperation::proceed(context, request) ? conclude(context, request, exchange) : Action::none();
        case RequestKind::ObjectEnd:
            if (ObjectEnd::proceed(context, request)) context.slabs().destroy(&request);
            return Action::none();
        case RequestKind::Withdraw:
            if (!Withdrawal::proceed(context, request)) return Action::none();
            if (request.cache.then == CacheWork::Then::Answer) return conclude(context, request, exchange);
            exchange = request.receipt;
            exchange.again = true;
            context.slabs().destroy(&request);
            return dispatch(context, exchange);
        case RequestKind::Evict:
            if (Withdrawal::proceed(context, request)) context.desk.evicting = false;
            return Action::none();
        case RequestKind::MapMemory:
            return MapMemory::proceed(context, request) ? conclude_joint(context, request) : Action::none();
        case RequestKind::UnmapMemory:
            return UnmapMemory::proceed(context, request) ? conclude_joint(context, request) : Action::none();
        case RequestKind::Flush:
            context.slabs().destroy(&request);
            return Action::none();
        case RequestKind::Trim:
            if (LeafTrim::proceed(context)) end_trim(context);
            return Action::none();
    }
    return Action::none();
}

}  // namespace

Action dispatch_generally(WorkerContext& context, Exchange& exchange) {
    if (exchange.status == kFromKernel && exchange.message.type() == kPageFault) return serve_fault(context, exchange);
    if ((exchange.status & kTablesLow) != 0) (void)lend_area(context);  // the link that finds none will say so
    if ((exchange.status & kFromKernel) != 0) return kernel_news(context, exchange);
    if ((exchange.status & kNotification) != 0) return Action::none();
    const uint32_t type = exchange.message.type();
    if (type < kVmCallBase || type >= kVmCallBase + kVmCallLimit)
        return answer(exchange, exchange.message.source(), Error::NotImplemented, {}, PartnerTlb::Keep);
    return serve_call(context, exchange);
}

Action dispatch(WorkerContext& context, Exchange& exchange) {
    const Action fault = dispatch_fault_shortly(context, exchange.message, exchange.status);
    if (fault.kind != Action::Kind::None) return fault;
    const Action call = dispatch_call_shortly(context, exchange.message, exchange.status);
    return call.kind != Action::Kind::None ? call : dispatch_generally(context, exchange);
}

Action work(WorkerContext& context, Exchange& exchange) {
    context.desk.collect();
    FlushBatch::post_refused(context);
    if (context.desk.graces > 0)
        context.worker.reclaimer.expedite([&](RetireHook& hook) { dispose(context, hook); });
    Request* request = context.desk.pop_ready();
    return request == nullptr ? Action::none() : go_on(context, *request, exchange);
}

void quiesce(WorkerContext& context) {
    context.worker.reclaimer.poll([&](RetireHook& hook) { dispose(context, hook); });
}

}  // namespace shoal::vm
