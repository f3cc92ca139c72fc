// The receiver's side of asynchronous messages: who was offered one while it did not wait remembers the sender, and asks
// for the message when it next receives.
#include <bit>

#include "kernel/core/ipc/async.hpp"
#include "kernel/core/ipc/async_entries.hpp"
#include "kernel/core/ipc/async_letter.hpp"
#include "kernel/core/ipc/deliver.hpp"
#include "kernel/core/ipc/destination.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/tables.hpp"

namespace shoal::kernel {

namespace {

void remember(Thread& receiver, uint32_t process_slot) {
    receiver.async_sources.add(process_slot);
    receiver.pending |= kPendingAsync;
    // So that the sender's home, wherever that will be, hears of the receiver's death.
    receiver.watched.store(1, std::memory_order_relaxed);
}

void put_letter(Thread& receiver, const AsyncLetter& letter) {
    put_message(receiver.registers, letter.message, letter.source, static_cast<uint64_t>(Trap::SendAsync));
}

// At the receiver's home.
void put_letter_here(Cpu& cpu, Thread& receiver, const AsyncLetter& letter) {
    put_letter(receiver, letter);
    receiver.clear(kFinishingSendReceive);
    if (receiver.is(kWorker)) complete_for_worker(cpu, receiver, tables.processes[letter.process_slot]);
}

struct Pulled {
    bool found = false, more = false;
    AsyncLetter letter;
};

// The first open entry for the receiver, and whether there is another. An entry on its way to it is left alone: if that is not
// taken, the table is offered anew. as: the receiver's name, or kVm.
Pulled pull(Cpu& cpu, Thread& sender, const Thread& receiver, Endpoint name, Endpoint as) {
    Pulled pulled;
    for (uint32_t i = 0; i < sender.async.count && !pulled.more; ++i) {
        AsyncEntry entry;
        if (!read_entry(sender, i, entry)) break;
        if (!is_open(sender, i, entry) || entry.destination != as) continue;
        if (receiver.endpoint() != name) break;  // it is ending: fail_async_to() follows
        if (travels(sender, i)) break;  // a later one must not overtake it
        if (pulled.found) {
            pulled.more = true;
        } else if (!may_send_to(sender, receiver, name)) {
            finish_entry(cpu, sender, i, entry, Error::CallDenied);
        } else {
            pulled.found = true;
            pulled.letter = letter_of(sender, entry);
            finish_entry(cpu, sender, i, entry, Error::None);
        }
    }
    return pulled;
}

bool pull_here(Cpu& cpu, Thread& sender, Thread& receiver, uint32_t slot) {
    const Endpoint name = receiver.endpoint();
    const Pulled pulled = pull(cpu, sender, receiver, name, receiver.is(kWorker) ? kVm : name);
    if (!pulled.found) return false;
    put_letter_here(cpu, receiver, pulled.letter);
    if (pulled.more) remember(receiver, slot);
    return true;
}

void ask_for_letter(Cpu& cpu, Thread& receiver, Thread& sender, Endpoint name, Endpoint from, bool non_blocking) {
    receiver.receive_from = from;
    receiver.request.sender = receiver.endpoint();
    receiver.set(kReceiveWhenSent);
    receiver.set(kPulling);
    if (non_blocking) receiver.set(kNonBlockingReceive);
    ask(cpu, receiver, sender, name, Mail::AsyncPull);
}

}  // namespace

Error hand_letter(Cpu& cpu, Thread& target, const AsyncLetter& letter) {
    if (letter.only_as_reply && !waits_for_reply(target, letter.source)) return Error::CallDenied;
    if (!accepts(target, letter.source) || (letter.no_reply && target.is(kFinishingSendReceive))) {
        remember(target, letter.process_slot);
        return Error::NotReady;
    }
    put_letter_here(cpu, target, letter);
    make_ready(cpu, target);
    return Error::None;
}

bool take_async(Cpu& cpu, Thread& receiver, Endpoint from, bool non_blocking) {
    const NotificationSet remembered = receiver.async_sources;
    for (unsigned word = 0; word < Privileges::kSendWords; ++word) {
        for (uint64_t rest = remembered.words[word]; rest != 0; rest &= rest - 1) {
            const unsigned slot = word * 64 + static_cast<unsigned>(std::countr_zero(rest));
            const Endpoint name = tables.processes[slot].first_thread;
            if (from != kAny && from != name) continue;
            receiver.async_sources.remove(slot);
            if (receiver.async_sources.empty()) receiver.pending = static_cast<uint8_t>(receiver.pending & ~kPendingAsync);
            Thread* sender = find_thread(name);
            if (sender == nullptr) continue;
            if (is_home(cpu, *sender)) {
                if (pull_here(cpu, *sender, receiver, slot)) return true;
            } else if (!receiver.is(kWorker)) {  // who sends to kVm offers anew after it has moved
                ask_for_letter(cpu, receiver, *sender, name, from, non_blocking);
                return true;
            }
        }
    }
    return false;
}

// The receiver's registers are ours, though not its flags: it is Asking, and the answer hands them back.
void on_async_pull(Cpu& cpu, Thread& receiver) {
    Thread* sender = find_thread(receiver.request.target);
    const Endpoint name = receiver.request.sender;
    Pulled pulled;
    if (sender != nullptr) pulled = pull(cpu, *sender, receiver, name, name);
    if (pulled.found) put_letter(receiver, pulled.letter);
    receiver.request.value = pulled.more ? pulled.letter.process_slot + 1 : 0;
    conclude_send(cpu, receiver, pulled.found ? Error::None : Error::NotReady);
}

void async_pulled(Cpu& cpu, Thread& receiver) {
    if (receiver.request.value != 0) remember(receiver, static_cast<uint32_t>(receiver.request.value - 1));
    receiver.clear(kReceiveWhenSent);
    receiver.clear(kNonBlockingReceive);
    make_ready(cpu, receiver);
}

void on_async_offer(Cpu& cpu, Thread& sender) {
    AsyncNode& node = sender.async_offer;
    Thread* target = find_thread(node.target);
    if (target == nullptr) {
        node.outcome = Error::DeadSourceOrDestination;
    } else {
        node.outcome = is_reached_as(*target, node.target) ? hand_letter(cpu, *target, node.letter) : Error::BadEndpoint;
    }
    node.kind = Mail::AsyncOffered;
    if (is_home(cpu, sender)) return on_async_offered(cpu, sender);
    post_now(sender.home_cpu(), node);
}

}  // namespace shoal::kernel
