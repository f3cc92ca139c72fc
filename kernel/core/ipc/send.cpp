#include "kernel/core/ipc/send.hpp"

#include "kernel/core/ipc/deliver.hpp"
#include "kernel/core/ipc/destination.hpp"
#include "kernel/core/ipc/probe.hpp"
#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

// kVm is the worker here, every other name a thread somewhere. nullptr: RAX says why.
Thread* resolve(Cpu& cpu, Thread& sender, Endpoint to) {
    if (to == kVm) {
        if (cpu.worker == nullptr) sender.set_result(Error::NotReady);
        return cpu.worker;
    }
    Thread* target = find_thread(to);
    if (target == nullptr) sender.set_result(why_not_found(to));
    return target;
}

// The sender waits for its message to be taken.
void wait_as_sender(Cpu& cpu, Thread& sender, Thread& target, Trap trap) {
    sender.state = ThreadState::Sending;
    sender.sending_to = target.endpoint();
    sender.sent_by = static_cast<uint8_t>(trap);
    sender.wait_stamp = probe_clock_now();
    ++sender.request.count;
    if (trap == Trap::SendReceive) sender.set(kReplyWhenSent);
    block_current(cpu, sender);
}

void send_on_this_cpu(Cpu& cpu, Thread& sender, Thread& target, Trap trap) {
    if (!may_send(sender, process_slot_of(target)) && !waits_for_reply(target, sender.source_name))
        return sender.set_result(Error::CallDenied);
    const Chain chain = follow_chain(cpu, sender, target, ChainStart::Sending);
    if (chain == Chain::Cycle) return sender.set_result(Error::Locked);
    wait_as_sender(cpu, sender, target, trap);
    target.callers.push_back(sender);
    if (chain == Chain::Leaves) start_probe(sender);
}

void send_to_other_cpu(Cpu& cpu, Thread& sender, Thread& target, Endpoint to, Trap trap) {
    wait_as_sender(cpu, sender, target, trap);
    sender.sending_to = to;
    sender.request.kind = Mail::Send;
    sender.request.target = to;
    sender.request.only_as_reply = !may_send_to(sender, target, to);
    post_for(target.home_cpu(), sender.request, target.priority_hint.load(std::memory_order_relaxed));
}

}  // namespace

[[gnu::noinline]] void send(Cpu& cpu, Thread& sender, Endpoint to, Trap trap) {
    Thread* target = resolve(cpu, sender, to);
    if (target == nullptr) return;
    if (target == &sender) return sender.set_result(Error::Locked);
    if (!is_home(cpu, *target)) return send_to_other_cpu(cpu, sender, *target, to, trap);
    if (!is_reached_as(*target, to)) [[unlikely]] return sender.set_result(Error::BadEndpoint);
    const bool ready = accepts(*target, sender.source_name) &&
                       (may_send(sender, process_slot_of(*target)) || waits_for_reply(*target, sender.source_name));
    if (!ready) [[unlikely]] return send_on_this_cpu(cpu, sender, *target, trap);
    transfer(cpu, sender, *target, trap);
    if (trap == Trap::SendReceive) {
        sender.state = ThreadState::Receiving;
        sender.receive_from = target->source_name;
        sender.wait_stamp = probe_clock_now();
        sender.set(kFinishingSendReceive);
        hand_off(cpu, *target);
    } else {
        sender.set_result(Error::None);
        make_ready(cpu, *target);
    }
}

[[gnu::noinline]] void send_non_blocking(Cpu& cpu, Thread& sender, Endpoint to) {
    Thread* target = resolve(cpu, sender, to);
    if (target == nullptr) return;
    if (!is_home(cpu, *target)) return ask(cpu, sender, *target, to, Mail::SendNonBlocking);
    if (!is_reached_as(*target, to)) return sender.set_result(Error::BadEndpoint);
    if (!may_send(sender, process_slot_of(*target)) && !waits_for_reply(*target, sender.source_name))
        return sender.set_result(Error::CallDenied);
    if (!accepts(*target, sender.source_name)) return sender.set_result(Error::NotReady);
    transfer(cpu, sender, *target, Trap::SendNonBlocking);
    sender.set_result(Error::None);
    make_ready(cpu, *target);
}

void ask(Cpu& cpu, Thread& asker, Thread& target, Endpoint endpoint, Mail kind) {
    asker.state = ThreadState::Asking;
    asker.request.kind = kind;
    asker.request.target = endpoint;
    asker.request.only_as_reply = !may_send_to(asker, target, endpoint);
    block_current(cpu, asker);
    post_now(target.home_cpu(), asker.request);
}

void take_from_queue(Cpu& cpu, Thread& target, Thread& sender) {
    target.callers.remove(sender);
    if (sender.state == ThreadState::InVmHands) {  // a fault that waited for the worker
        target.registers.set_message(sender.fault.message(sender.endpoint(), sender.registers.rip));
        target.registers.rdi = kFromKernel | (space::tables_low(cpu) ? uint64_t{kTablesLow} : 0);
        target.registers.rax = 0;
        return;
    }
    transfer(cpu, sender, target, static_cast<Trap>(sender.sent_by));
    if (!is_home(cpu, sender)) target.watched.store(1, std::memory_order_relaxed);
    conclude_send(cpu, sender, Error::None);
}

void on_send(Cpu& cpu, Thread& sender) {
    Thread* target = find_thread(sender.request.target);
    if (target == nullptr) return conclude_send(cpu, sender, Error::DeadEndpoint);
    if (!is_reached_as(*target, sender.request.target)) return conclude_send(cpu, sender, Error::BadEndpoint);
    // Set by the sender's home before it posted Withdraw, which passed us if we were forwarded.
    const uint16_t withdrawn = sender.withdrawn.load(std::memory_order_acquire);  // pairs with withdraw()
    if (withdrawn != 0) return conclude_send(cpu, sender, static_cast<Error>(withdrawn));
    if (sender.request.only_as_reply && !waits_for_reply(*target, sender.source_name))
        return conclude_send(cpu, sender, Error::CallDenied);
    target->callers.push_back(sender);
    if (accepts(*target, sender.source_name)) {
        take_from_queue(cpu, *target, sender);
        make_ready(cpu, *target);
    } else if (target->state == ThreadState::Sending || target->receive_from != kAny) {
        start_probe(sender);
    }
}

void on_send_non_blocking(Cpu& cpu, Thread& sender) {
    Thread* target = find_thread(sender.request.target);
    Error outcome = Error::None;
    if (target == nullptr) {
        outcome = Error::DeadEndpoint;
    } else if (!is_reached_as(*target, sender.request.target)) {
        outcome = Error::BadEndpoint;
    } else if (sender.request.only_as_reply && !waits_for_reply(*target, sender.source_name)) {
        outcome = Error::CallDenied;
    } else if (!accepts(*target, sender.source_name)) {
        outcome = Error::NotReady;
    } else {
        transfer(cpu, sender, *target, Trap::SendNonBlocking);
        make_ready(cpu, *target);
    }
    conclude_send(cpu, sender, outcome);
}

}  // namespace shoal::kernel
