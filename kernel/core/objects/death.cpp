#include "kernel/core/objects/death.hpp"

#include "kernel/core/ipc/async.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/process_table.hpp"
#include "kernel/core/sched/scheduler.hpp"
#include "kernel/core/wait/wait_table.hpp"

namespace shoal::kernel {

namespace {

void refuse_callers(Cpu& cpu, Thread& thread) {
    while (Thread* caller = thread.callers.pop_front()) conclude_send(cpu, *caller, Error::DeadSourceOrDestination);
}

// Threads of this CPU that wait to receive from the dead one.
void tell_receivers_here(Cpu& cpu, Endpoint dead) {
    cpu.threads.for_each([&](Thread& thread) {
        if (thread.state != ThreadState::Receiving || thread.receive_from != dead) return;
        thread.clear(kFinishingSendReceive);
        thread.set_result(Error::DeadSourceOrDestination);
        make_ready(cpu, thread);
    });
}

void tell_partners_here(Cpu& cpu, Endpoint dead) {
    tell_receivers_here(cpu, dead);
    fail_async_to(cpu, dead);
}

CpuId after(CpuId cpu) { return CpuId::from((cpu.index() + 1) % tables.cpus.size()); }

// The thread has no name any more; whoever still marks it as watched sees that.
void announce_death(Cpu& cpu, Thread& thread, Endpoint name) {
    tell_partners_here(cpu, name);
    if (thread.watched.load(std::memory_order_seq_cst) == 0 || tables.cpus.size() == 1) return;  // pairs with check_source()
    ++thread.nodes_out;
    thread.obituary.kind = Mail::PartnerDied;
    thread.obituary.target = name;
    post_now(after(cpu.id), thread.obituary);
}

// Out of whatever it is in. False: other hands hold it, finish_ending() follows.
bool take_out(Cpu& cpu, Thread& thread) {
    switch (thread.state) {
        case ThreadState::Ready:
            if (cpu.current == &thread) {
                cpu.current = nullptr;
            } else {
                cpu.ready.remove(thread);
            }
            return true;
        case ThreadState::InVmHands:
            if (thread.queue_link.linked()) cpu.worker->callers.remove(thread);
            return true;
        case ThreadState::Sleeping:
            if (!leave_wait_bucket(cpu, thread)) ++thread.nodes_out;  // its wake node is on its way
            return true;
        case ThreadState::Sending:
            thread.set(kEnding);
            withdraw(cpu, thread, Error::DeadSourceOrDestination);
            return false;
        case ThreadState::Asking:
            thread.set(kEnding);
            return false;
        case ThreadState::Held:
            drop_kept_reply(thread);
            return true;
        default:
            return true;
    }
}

void close(Thread& thread, ClaimableNode& node) {
    if (!node.claim(full_name(thread))) ++thread.nodes_out;
}

}  // namespace

void end_thread(Cpu& cpu, Thread& thread) {
    if (thread.state == ThreadState::Dead || thread.is(kEnding)) return;
    if (thread.is(kInTransit)) return thread.set(kStopOnArrival);
    const Endpoint name = full_name(thread);
    thread.async.count = 0;
    thread.name.store(kNoName.raw(), std::memory_order_seq_cst);  // pairs with check_source()
    refuse_callers(cpu, thread);
    announce_death(cpu, thread, name);
    cpu.timers.cancel(thread.alarm);
    cpu.timers.cancel(thread.timeout);
    if (take_out(cpu, thread)) finish_ending(cpu, thread);
}

void finish_ending(Cpu& cpu, Thread& thread) {
    thread.state = ThreadState::Dead;
    cpu.threads.remove(thread);
    if (cpu.loaded == &thread) cpu.loaded = nullptr;
    if (cpu.fpu_owner == &thread) cpu.fpu_owner = nullptr;
    if (cpu.bases_owner == &thread) cpu.bases_owner = nullptr;
    close(thread, thread.reply);
    close(thread, thread.probe);
    close(thread, thread.resume);
    close(thread, thread.hold);
    if (thread.is(kWithdrawing)) ++thread.nodes_out;
    if (thread.async_offer.out) ++thread.nodes_out;
    if (thread.nodes_out == 0) thread_is_gone(cpu, thread);
}

void give_back(Cpu& cpu, Thread& thread, ClaimableNode& node) {
    if (thread.state == ThreadState::Dead) return node_is_back(cpu, thread);
    node.release(full_name(thread));
}

void node_is_back(Cpu& cpu, Thread& thread) {
    if (--thread.nodes_out == 0 && thread.state == ThreadState::Dead) thread_is_gone(cpu, thread);
}

void on_stop(Cpu& cpu, Thread& thread) {
    end_thread(cpu, thread);
    if (stop_is_handled(cpu, thread)) thread_is_gone(cpu, thread);
}

void on_partner_died(Cpu& cpu, Thread& dead) {
    if (is_home(cpu, dead)) return node_is_back(cpu, dead);
    tell_partners_here(cpu, dead.obituary.target);
    post_now(after(cpu.id), dead.obituary);
}

}  // namespace shoal::kernel
