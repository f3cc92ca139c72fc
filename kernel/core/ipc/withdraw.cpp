// Taking back a send whose receiver may live elsewhere: because the sender dies, or because its wait closes a cycle.
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

namespace {

void post_withdraw(Thread& sender) {
    sender.set(kWithdrawing);
    sender.withdraw.kind = Mail::Withdraw;
    sender.withdraw.target = sender.sending_to;
    sender.withdraw.count = sender.request.count;
    post_now(thread_slot(sender.sending_to)->home_cpu(), sender.withdraw);
}

bool is_queued(Thread& target, const Thread& sender) {
    Thread* queued = target.callers.front();
    while (queued != nullptr && queued != &sender) queued = target.callers.next(*queued);
    return queued != nullptr;
}

}  // namespace

void withdraw(Cpu& cpu, Thread& sender, Error outcome) {
    Thread* slot = thread_slot(sender.sending_to);
    if (is_home(cpu, *slot) && sender.queue_link.linked()) {
        slot->callers.remove(sender);
        sender.request.outcome = outcome;
        sender.withdrawn.store(0, std::memory_order_relaxed);
        return complete_send(cpu, sender, outcome);
    }
    sender.withdrawn.store(static_cast<uint16_t>(outcome), std::memory_order_release);  // pairs with on_send()
    if (!sender.is(kWithdrawing)) post_withdraw(sender);  // else it is away for an earlier send: on_withdrawn() posts it anew
}

// At the home of the receiver, or of whoever has its slot now. A sender that is in no queue here is on its way: to us,
// where on_send() sees that it is withdrawn, or back home. If its answer was faster than this, it may be here with another
// send: the number tells.
void on_withdraw(Cpu& cpu, Thread& sender) {
    Thread* target = find_thread(sender.withdraw.target);
    if (target != nullptr && is_queued(*target, sender) && sender.request.count == sender.withdraw.count) {
        target->callers.remove(sender);
        conclude_send(cpu, sender, static_cast<Error>(sender.withdrawn.load(std::memory_order_relaxed)));
    }
    if (is_home(cpu, sender)) return on_withdrawn(cpu, sender);
    sender.withdraw.kind = Mail::Withdrawn;
    post_now(sender.home_cpu(), sender.withdraw);
}

void on_withdrawn(Cpu& cpu, Thread& sender) {
    sender.clear(kWithdrawing);
    if (sender.state == ThreadState::Dead) return node_is_back(cpu, sender);
    const bool wanted = sender.state == ThreadState::Sending && sender.withdrawn.load(std::memory_order_relaxed) != 0;
    if (wanted && sender.withdraw.count != sender.request.count) post_withdraw(sender);
}

}  // namespace shoal::kernel
