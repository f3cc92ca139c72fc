#include "kernel/core/ipc/receive.hpp"

#include "kernel/core/ipc/async.hpp"
#include "kernel/core/ipc/deliver.hpp"
#include "kernel/core/ipc/destination.hpp"
#include "kernel/core/ipc/notify.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/sched/turn.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

Thread* first_caller(Thread& receiver, Endpoint from) {
    Thread* caller = receiver.callers.front();
    while (caller != nullptr && from != kAny && caller->source_name != from) caller = receiver.callers.next(*caller);
    return caller;
}

// Somebody in particular: must be alive, must hear of its death, and must not wait for us.
Error check_source(Cpu& cpu, Thread& receiver, Endpoint from, Chain& chain) {
    if (from == kVm || from == kKernel || from == kClock || from == kAsync) return Error::None;
    if (from == receiver.endpoint()) return Error::Locked;
    Thread* source = find_thread(from);
    if (source == nullptr) return why_not_found(from);
    // acquire pairs with name_thread(). Nothing comes from a worker's own name.
    if (source->process_slot.load(std::memory_order_acquire) == kVmSlot) return Error::BadEndpoint;
    if (is_home(cpu, *source)) {
        if (source->state == ThreadState::Stopped) source->watched.store(1, std::memory_order_relaxed);  // may start elsewhere
        chain = follow_chain(cpu, receiver, *source, ChainStart::Receiving);
        return chain == Chain::Cycle ? Error::Locked : Error::None;
    }
    // Either its home sees the mark when it dies, or we see here that it has died.
    source->watched.store(1, std::memory_order_seq_cst);  // pairs with announce_death()
    chain = Chain::Leaves;
    return source->name.load(std::memory_order_seq_cst) == from.raw() ? Error::None : Error::DeadSourceOrDestination;
}

void wait_for(Cpu& cpu, Thread& receiver, Endpoint from) {
    Chain chain = Chain::Ends;
    if (from != kAny) {
        const Error error = check_source(cpu, receiver, from, chain);
        if (error != Error::None) return receiver.set_result(error);
    }
    receiver.state = ThreadState::Receiving;
    receiver.receive_from = from;
    receiver.wait_stamp = probe_clock_now();
    block_current(cpu, receiver);
    if (chain == Chain::Leaves) start_probe(receiver);
}

}  // namespace

namespace {

// False: there is nothing.
bool take_next(Cpu& cpu, Thread& receiver, Endpoint from, Waiting waiting) {
    if (receiver.pending != 0) [[unlikely]] {
        const bool news = from == kAny || from == kKernel;
        if ((receiver.pending & kPendingNotification) != 0 && take_notification(receiver, from)) return true;
        if ((receiver.pending & kPendingFromKernel) != 0 && news && take_worker_message(cpu, receiver)) return true;
        if ((receiver.pending & kPendingAsync) != 0 && take_async(cpu, receiver, from, waiting != Waiting::Allowed)) return true;
    }
    if (receiver.callers.empty()) return false;
    Thread* caller = first_caller(receiver, from);
    if (caller != nullptr) take_from_queue(cpu, receiver, *caller);
    return caller != nullptr;
}

}  // namespace

[[gnu::noinline]] void receive_any_way(Cpu& cpu, Thread& receiver, Endpoint from, Waiting waiting) {
    const bool taken = take_next(cpu, receiver, from, waiting);
    const auto waits = [&] { return waiting == Waiting::Allowed || (waiting == Waiting::GivesWay && receiver.is(kWorker) && give_way(cpu)); };
    if (!taken && waits()) return wait_for(cpu, receiver, from);
    if (!taken) receiver.set_result(Error::NotReady);
    // It goes on, and has let go of what it held for the last request.
    if (receiver.is(kWorker)) [[unlikely]] space::worker_received(cpu);
}

}  // namespace shoal::kernel
