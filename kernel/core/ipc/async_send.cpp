// The sender's side of asynchronous messages: the trap, and the offers.
#include "kernel/core/ipc/async.hpp"
#include "kernel/core/ipc/async_entries.hpp"
#include "kernel/core/ipc/async_letter.hpp"
#include "kernel/core/ipc/destination.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/hold.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

namespace {

// Receivers remember senders by process slot, and find the sender as the first thread of that process.
bool may_send_async(const Thread& sender) {
    const Process& process = *sender.process;
    return process.is_system() && slot_of(process) < NotificationSet::kSources && !sender.is(kWorker) &&
           sender.endpoint() == process.first_thread;
}

void post_offer(Thread& sender, const Thread& target, uint32_t index, const AsyncLetter& letter) {
    AsyncNode& node = sender.async_offer;
    node.out = true;
    node.stale = node.again = false;
    node.entry = index;
    node.letter = letter;
    node.kind = Mail::AsyncOffer;
    node.target = target.endpoint();
    post_now(target.home_cpu(), node);
}

enum class Offer : uint8_t { Settled, OnItsWay };

// Settled: taken, refused, or left to the destination to ask for.
Offer offer(Cpu& cpu, Thread& sender, uint32_t index, const AsyncEntry& entry) {
    const Endpoint to = entry.destination;
    Thread* target = to == kVm ? cpu.worker : find_thread(to);
    Error outcome = Error::Locked;
    if (target == nullptr) {
        outcome = to == kVm ? Error::NotReady : why_not_found(to);
        if (outcome == Error::DeadEndpoint) outcome = Error::DeadSourceOrDestination;
    } else if (target != &sender) {
        AsyncLetter letter = letter_of(sender, entry);
        letter.only_as_reply = !may_send_to(sender, *target, target->endpoint());
        if (!is_home(cpu, *target)) {
            if (sender.async_offer.out) {
                sender.async_offer.again = true;
                return Offer::OnItsWay;
            }
            post_offer(sender, *target, index, letter);
            return Offer::OnItsWay;
        }
        outcome = is_reached_as(*target, to) ? hand_letter(cpu, *target, letter) : Error::BadEndpoint;
        if (outcome == Error::NotReady) return Offer::Settled;
    }
    finish_entry(cpu, sender, index, entry, outcome);
    return Offer::Settled;
}

// From an entry on, until one has to travel: on_async_offered() goes on from there.
void offer_from(Cpu& cpu, Thread& sender, uint32_t index) {
    for (; index < sender.async.count; ++index) {
        AsyncEntry entry;
        if (!read_entry(sender, index, entry)) return;
        if (!is_open(sender, index, entry)) continue;
        if (travels(sender, index) || offer(cpu, sender, index, entry) == Offer::OnItsWay) return;
    }
}

// What was delivered while the table could not be written. False: some of it cannot be written now either.
bool write_owed(Cpu& cpu, Thread& sender) {
    bool all = true;
    for (uint32_t i = 0; i < sender.async.count; ++i) {
        AsyncEntry entry;
        if (!sender.async.is_owed(i)) continue;
        if (read_entry(sender, i, entry)) {
            if (waits(entry)) finish_entry(cpu, sender, i, entry, Error::None);
            else sender.async.written(i);  // by its owner, who need not hear of it
        }
        all = all && !sender.async.is_owed(i);
    }
    return all;
}

// An entry has come back from its destination.
void record(Cpu& cpu, Thread& sender, uint32_t index, Error outcome) {
    AsyncEntry entry;
    if (read_entry(sender, index, entry)) {
        if (is_open(sender, index, entry)) finish_entry(cpu, sender, index, entry, outcome);
    } else if (outcome == Error::None) {
        sender.async.owe(index);
    }
}

}  // namespace

[[gnu::noinline]] void send_async(Cpu& cpu, Thread& sender) {
    const VirtualAddress address{sender.registers.rdx};
    const uint64_t count = sender.registers.r8;
    if (!may_send_async(sender)) return sender.set_result(Error::Permission);
    if (count > AsyncEntry::kMostEntries || address.raw() % alignof(AsyncEntry) != 0) return sender.set_result(Error::Invalid);
    // The same table again, as a rule: what is delivered or travelling counts for the new one.
    const bool other_table = sender.async.address != address;
    // What it owes must be written before it is forgotten: this trap is carried out anew when the table has been made present.
    if (!other_table && !write_owed(cpu, sender)) return sender.set(kReplay);
    AsyncTable table{address, static_cast<uint32_t>(count), 0, {}};
    const Error error = check_entries(sender, address, table.count, table.open);
    if (error == Error::DoNotReply) return;
    if (error != Error::None) return sender.set_result(error);
    // --- commit point ---
    if (table.open == 0) table.count = 0;
    sender.async = table;
    sender.clear(kRestoreAsync);
    if (sender.async_offer.out) sender.async_offer.again = true;
    if (other_table || sender.async_offer.entry >= count) sender.async_offer.stale = true;
    sender.set_result(Error::None);
    offer_from(cpu, sender, 0);
}

void restore_async(Cpu& cpu, Thread& sender) {
    sender.clear(kRestoreAsync);
    uint32_t open;
    const Error error = check_entries(sender, sender.async.address, sender.async.count, open);
    if (error == Error::DoNotReply) return sender.set(kRestoringAsync);
    if (error != Error::None) {
        sender.async.count = 0;  // its owner took its memory away
        return;
    }
    (void)write_owed(cpu, sender);
    offer_from(cpu, sender, 0);
}

void restored_async(Thread& sender, Error outcome) {
    sender.clear(kRestoringAsync);
    if (outcome != Error::None) sender.async.count = 0;
    if (sender.async.count != 0) sender.set(kRestoreAsync);
}

void on_async_offered(Cpu& cpu, Thread& sender) {
    AsyncNode& node = sender.async_offer;
    node.out = false;
    if (sender.state == ThreadState::Dead) return node_is_back(cpu, sender);
    if (!node.stale && node.outcome != Error::NotReady && node.entry < sender.async.count)
        record(cpu, sender, node.entry, node.outcome);
    offer_from(cpu, sender, node.again || node.stale ? 0 : node.entry + 1);
    if (sender.state == ThreadState::Held) count_if_quiet(sender);
}

void fail_async_to(Cpu& cpu, Endpoint dead) {
    cpu.threads.for_each([&](Thread& sender) {
        for (uint32_t i = 0; i < sender.async.count; ++i) {
            AsyncEntry entry;
            if (!read_entry(sender, i, entry)) return;
            if (is_open(sender, i, entry) && entry.destination == dead && !travels(sender, i))
                finish_entry(cpu, sender, i, entry, Error::DeadSourceOrDestination);
        }
    });
}

}  // namespace shoal::kernel
