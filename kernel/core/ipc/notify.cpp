#include "kernel/core/ipc/notify.hpp"

#include <bit>

#include "kernel/core/ipc/deliver.hpp"
#include "kernel/core/ipc/destination.hpp"
#include "kernel/core/ipc/send.hpp"

namespace shoal::kernel {

namespace {

void put_notification(Thread& thread, Endpoint source) {
    const Message message{{kNotifyBase, machine::now(), 0, 0, 0, 0, 0, 0}};
    put_message(thread.registers, message, source, static_cast<uint64_t>(Trap::Notify) | kNotification);
}

Endpoint source_of(unsigned slot) { return tables.processes[slot].first_thread; }

void clear_pending_if_none(Thread& thread) {
    if (thread.notified.empty() && thread.notified_special == 0)
        thread.pending = static_cast<uint8_t>(thread.pending & ~kPendingNotification);
}

bool take_special(Thread& thread, Endpoint from, SpecialSource source, Endpoint name) {
    if ((thread.notified_special & source) == 0 || (from != kAny && from != name)) return false;
    thread.notified_special = static_cast<uint8_t>(thread.notified_special & ~source);
    put_notification(thread, name);
    thread.registers.rdi |= kFromKernel;
    return true;
}

// What a process has notified of ends with it: else the next process of its slot would seem to be the source. Whatever is pending
// came from processes that had not ended at notified_as_of, so that a later end of the slot's process voids its bit.
bool is_void(const Thread& thread, unsigned slot) {
    return tables.processes[slot].ended.load(std::memory_order_acquire) > thread.notified_as_of;  // pairs with process_is_stopped()
}

// Before another bit is added.
void drop_void(Thread& thread) {
    const uint64_t now = ended_processes.load(std::memory_order_acquire);  // pairs with process_is_stopped()
    if (now == thread.notified_as_of) return;
    for (unsigned word = 0; word < Privileges::kSendWords; ++word) {
        for (uint64_t rest = thread.notified.words[word]; rest != 0; rest &= rest - 1) {
            const unsigned slot = word * 64 + static_cast<unsigned>(std::countr_zero(rest));
            if (is_void(thread, slot)) thread.notified.remove(slot);
        }
    }
    thread.notified_as_of = now;
}

bool take_from_process(Thread& thread, Endpoint from) {
    for (unsigned word = 0; word < Privileges::kSendWords; ++word) {
        for (uint64_t rest = thread.notified.words[word]; rest != 0; rest &= rest - 1) {
            const unsigned slot = word * 64 + static_cast<unsigned>(std::countr_zero(rest));
            const Endpoint source = source_of(slot);  // first: the name of a later process shows that the one before has ended
            const bool is_dropped = is_void(thread, slot);
            if (!is_dropped && from != kAny && from != source) continue;
            thread.notified.remove(slot);
            if (is_dropped) continue;
            put_notification(thread, source);
            return true;
        }
    }
    return false;
}

// The thread receives if it waits for this; otherwise the bit stays.
void wake_receiver(Cpu& cpu, Thread& target) {
    target.pending |= kPendingNotification;
    if (target.state != ThreadState::Receiving || target.is(kFinishingSendReceive)) return;
    if (take_notification(target, target.receive_from)) make_ready(cpu, target);
}

void deliver_notification(Cpu& cpu, const Thread& sender, Thread& target) {
    drop_void(target);
    target.notified.add(slot_of(*sender.process));
    wake_receiver(cpu, target);
}

}  // namespace

bool take_notification(Thread& thread, Endpoint from) {
    const bool taken = take_special(thread, from, kFromKernelItself, kKernel) ||
                       take_special(thread, from, kFromClock, kClock) ||
                       take_special(thread, from, kFromAsync, kAsync) || take_from_process(thread, from);
    clear_pending_if_none(thread);
    return taken;
}

[[gnu::noinline]] void notify(Cpu& cpu, Thread& sender, Endpoint to) {
    if (!sender.process->is_system() || slot_of(*sender.process) >= NotificationSet::kSources) return sender.set_result(Error::CallDenied);
    Thread* target = find_thread(to);
    if (target == nullptr) return sender.set_result(why_not_found(to));
    if (!is_home(cpu, *target)) return ask(cpu, sender, *target, to, Mail::Notify);
    if (!is_reached_as(*target, to)) return sender.set_result(Error::BadEndpoint);
    if (!may_send(sender, process_slot_of(*target))) return sender.set_result(Error::CallDenied);
    deliver_notification(cpu, sender, *target);
    sender.set_result(Error::None);
}

void on_notify(Cpu& cpu, Thread& sender) {
    Thread* target = find_thread(sender.request.target);
    if (target == nullptr) return conclude_send(cpu, sender, Error::DeadEndpoint);
    if (!is_reached_as(*target, sender.request.target)) return conclude_send(cpu, sender, Error::BadEndpoint);
    if (sender.request.only_as_reply) return conclude_send(cpu, sender, Error::CallDenied);
    deliver_notification(cpu, sender, *target);
    conclude_send(cpu, sender, Error::None);
}

void notify_special(Cpu& cpu, Thread& target, SpecialSource source) {
    target.notified_special |= source;
    wake_receiver(cpu, target);
}

}  // namespace shoal::kernel
