// ReplyReceive: a server's loop in one trap. On one CPU the client gets the CPU with its answer; to another CPU the answer
// travels in the client's own reply node, so that the server need not wait.
#include <utility>

#include "kernel/core/ipc/deliver.hpp"
#include "kernel/core/ipc/destination.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/ipc/receive.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/process_table.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

bool deliverable(const Thread& sender, const Thread& target) {
    return accepts(target, sender.source_name) &&
           (waits_for_reply(target, sender.source_name) ||
            (may_send(sender, process_slot_of(target)) && !target.is(kWorker)));  // a worker asks nobody: this is no answer
}

// The target's reply node is ours.
void fill_reply(Thread& sender, Thread& target, Endpoint to) {
    target.reply.target = to;
    target.reply.source = sender.source_name;
    target.reply.only_as_reply = !may_send_to(sender, target, to);
    target.reply.message = sender.registers.message();
}

// True if the reply is under way or will never arrive; false if the sender has to ask.
bool post_reply(Thread& sender, Thread& target, Endpoint to) {
    if (!target.reply.claim(to)) return target.endpoint() != to;
    fill_reply(sender, target, to);
    target.reply.kind = Mail::Reply;
    post_for(target.home_cpu(), target.reply, target.priority_hint.load(std::memory_order_relaxed));
    return true;
}

// With what its node holds. Who waits for an answer is not held: this is none.
bool is_kept(const Thread& target) {
    const bool admitted = target.receive_from == kAny || target.receive_from == target.reply.source;
    return target.state == ThreadState::Held && admitted && !target.reply.only_as_reply;
}

// On this CPU. Nothing, if another reply has the node.
void keep_reply(Thread& sender, Thread& target, Endpoint to) {
    if (!target.reply.claim(to)) return;
    fill_reply(sender, target, to);
    target.reply.kept = is_kept(target);
    if (!target.reply.kept) target.reply.release(to);
}

// Another sender's message to the same client is on its way: this one takes the long way and waits for the answer.
void ask_then_receive(Cpu& cpu, Thread& sender, Thread& target, Endpoint to, Endpoint from, Waiting waiting) {
    sender.receive_from = from;
    sender.set(kReceiveWhenSent);
    if (waiting != Waiting::Allowed) sender.set(kNonBlockingReceive);
    ask(cpu, sender, target, to, Mail::SendNonBlocking);
}

// Whatever has become of the partner: others of its space may run here before they are stopped.
void flush_space_of(Cpu& cpu, Endpoint partner) {
    const Thread* slot = thread_slot(partner);
    if (slot == nullptr) return;
    // acquire pairs with name_thread(); of an earlier process of that slot the flush does no harm
    space::flush_at_next_load(cpu, slot->process_slot.load(std::memory_order_acquire));
}

}  // namespace

[[gnu::noinline]] void reply_receive(Cpu& cpu, Thread& sender, Endpoint to, Endpoint from, Waiting waiting, bool flush_partner, bool reply) {
    Thread* target = reply ? find_thread(to) : nullptr;
    if (flush_partner && reply && sender.is(kWorker)) flush_space_of(cpu, to);
    if (target == nullptr || target == &sender) return receive_next(cpu, sender, from, waiting);
    if (!is_home(cpu, *target)) {
        if (!post_reply(sender, *target, to)) return ask_then_receive(cpu, sender, *target, to, from, waiting);
        return receive_next(cpu, sender, from, waiting);
    }
    if (!deliverable(sender, *target)) {
        if (target->state == ThreadState::Held) keep_reply(sender, *target, to);
        return receive_next(cpu, sender, from, waiting);
    }
    transfer(cpu, sender, *target, Trap::ReplyReceive);
    if (waiting == Waiting::GivesWay) [[unlikely]] {
        make_ready(cpu, *target);  // one of those that a worker gives way to
        return receive_next(cpu, sender, from, waiting);
    }
    receive_next(cpu, sender, from, waiting);
    if (cpu.current == nullptr) {
        hand_off(cpu, *target);
    } else {
        make_ready(cpu, *target);
    }
}

void on_reply(Cpu& cpu, Thread& target) {
    Thread::ReplyNode& node = target.reply;
    const bool alive = target.endpoint() == node.target && target.state != ThreadState::Dead;
    // A worker asks nobody, so nothing is an answer to it; a reply would bring a caller word of its sender's choosing.
    const bool wanted = alive && !target.is(kWorker) && accepts(target, node.source) && (!node.only_as_reply || waits_for_reply(target, node.source));
    if (wanted) {
        put_message(target.registers, node.message, node.source, static_cast<uint64_t>(Trap::ReplyReceive));
        target.clear(kFinishingSendReceive);
        make_ready(cpu, target);
    } else if (alive && is_kept(target)) {
        node.kept = true;
        return;
    }
    give_back(cpu, target, node);
}

bool take_kept_reply(Thread& target, Endpoint from) {
    const Thread::ReplyNode& node = target.reply;
    const bool wanted = node.kept && (from == kAny || from == node.source);
    if (wanted) put_message(target.registers, node.message, node.source, static_cast<uint64_t>(Trap::ReplyReceive));
    drop_kept_reply(target);
    return wanted;
}

void drop_kept_reply(Thread& target) {
    if (std::exchange(target.reply.kept, false)) target.reply.release(full_name(target));
}

}  // namespace shoal::kernel
