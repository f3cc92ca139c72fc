// How a send ends for the sender: told by the receiver's home, carried out by its own.
#include "kernel/core/ipc/async.hpp"
#include "kernel/core/ipc/deliver.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/ipc/receive.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/hold.hpp"

namespace shoal::kernel {

void conclude_send(Cpu& cpu, Thread& sender, Error outcome) {
    sender.request.outcome = outcome;
    if (is_home(cpu, sender)) return on_completed(cpu, sender);
    sender.request.kind = Mail::Completed;
    post_for(sender.home_cpu(), sender.request, sender.priority_hint.load(std::memory_order_relaxed));
}

void on_completed(Cpu& cpu, Thread& sender) {
    if (sender.state == ThreadState::Asking) return complete_question(cpu, sender, sender.request.outcome);
    // At once, though its withdraw node may still be away: the receiver's answer may be the next mail, and must find it receiving.
    sender.withdrawn.store(0, std::memory_order_relaxed);
    complete_send(cpu, sender, sender.request.outcome);
}

void complete_send(Cpu& cpu, Thread& sender, Error outcome) {
    // Answers of the worker here come from kVm, whichever name the sender queued under.
    const bool sent_to_vm = cpu.worker != nullptr && sender.sending_to == cpu.worker->endpoint();
    const Endpoint partner = sent_to_vm ? kVm : sender.sending_to;
    const bool goes_on = sender.is(kReplyWhenSent) && outcome == Error::None;
    sender.sending_to = kNone;
    sender.clear(kReplyWhenSent);
    if (sender.is(kEnding)) return finish_ending(cpu, sender);
    if (goes_on) {
        sender.state = ThreadState::Receiving;
        sender.receive_from = partner;
        sender.set(kFinishingSendReceive);
        return;
    }
    sender.set_result(outcome);
    make_ready(cpu, sender);
}

void complete_question(Cpu& cpu, Thread& asker, Error outcome) {
    if (asker.is(kEnding)) return finish_ending(cpu, asker);
    if (asker.is(kPulling)) {
        asker.clear(kPulling);
        if (outcome == Error::None) return async_pulled(cpu, asker);
    }
    if (asker.is(kReceiveWhenSent)) {
        const Waiting waiting = asker.is(kNonBlockingReceive) ? Waiting::Refused : Waiting::Allowed;
        asker.clear(kReceiveWhenSent);
        asker.clear(kNonBlockingReceive);
        asker.state = ThreadState::Ready;
        receive_next(cpu, asker, asker.receive_from, waiting);
        if (asker.state == ThreadState::Ready) make_ready(cpu, asker);
        else if (asker.is(kHold)) hold(cpu, asker);
        return;
    }
    asker.set_result(outcome);
    make_ready(cpu, asker);
}

}  // namespace shoal::kernel
