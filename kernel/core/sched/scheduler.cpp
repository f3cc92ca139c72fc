#include "kernel/core/sched/scheduler.hpp"

#include "kernel/core/entry.hpp"
#include "kernel/core/ipc/async.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/hold.hpp"
#include "kernel/core/sched/migration.hpp"
#include "kernel/core/sched/switch.hpp"
#include "kernel/core/sched/turn.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

// Whoever waits, be it behind a server that runs at a better priority for one of its equals, gets its turn.
void start_quantum_if_contested(Cpu& cpu) {
    if (cpu.current == nullptr || cpu.ready.empty()) {
        cpu.quantum_end = TimerQueue::kNever;
    } else if (cpu.quantum_end == TimerQueue::kNever) {
        cpu.quantum_end = machine::now() + kQuantum;
    }
}

// Puts the best candidate into cpu.current; nullptr if there is none.
void choose_best(Cpu& cpu) {
    cpu.reschedule = false;
    Thread* current = cpu.current;
    if (current == nullptr) {
        if (cpu.turn == Turn::Lasts && cpu.ready.empty()) end_turn(cpu);
        cpu.current = cpu.ready.pop_best();
        return;
    }
    if (cpu.ready.any_better_than(current->priority)) {
        cpu.ready.push_front(*current);
        cpu.current = cpu.ready.pop_best();
    } else if (cpu.quantum_expired && cpu.ready.any_at(current->priority)) {
        cpu.quantum_expired = false;
        cpu.quantum_end = TimerQueue::kNever;
        cpu.ready.push_back(*current);
        cpu.current = cpu.ready.pop_best();
    }
    if (cpu.ready.empty()) cpu.quantum_expired = false;
}

// Runs until what it has published needs no second look: mail may make somebody runnable.
void choose(Cpu& cpu) {
    do {
        handle_mail(cpu);
        choose_best(cpu);
        cpu.publish(cpu.current == nullptr ? Cpu::kAwake : cpu.current->priority);
    } while (!cpu.mailbox.empty());
    cpu.load.store(static_cast<uint32_t>(cpu.ready.size() + (cpu.current != nullptr ? 1 : 0)), std::memory_order_relaxed);
    cpu.handoff_limit = handoff_limit(cpu);
    start_quantum_if_contested(cpu);
    update_timer(cpu);
}

// What a thread has to do before it sees user mode again. True if it may then not be the one to run.
bool settle(Cpu& cpu, Thread& thread) {
    if (thread.is(kHold)) {
        hold(cpu, thread);
        return true;
    }
    if (thread.is(kMustMove)) {
        leave_this_cpu(cpu, thread);
        return true;
    }
    if (thread.is(kRestoreAsync)) {
        restore_async(cpu, thread);
        return true;
    }
    if (thread.is(kReplay)) {
        thread.clear(kReplay);
        load(cpu, thread);
        entry::on_syscall(thread);
        return true;
    }
    return false;
}

// Out of the way of direct handoffs, which need none of it.
[[gnu::noinline]] Thread* choose_and_load(Cpu& cpu) {
    for (;;) {
        if (cpu.current == nullptr || cpu.reschedule) choose(cpu);
        Thread* next = cpu.current;
        if (next == nullptr) {
            space::idle(cpu);
            return nullptr;
        }
        if (must_settle(*next) && settle(cpu, *next)) continue;
        if (next != cpu.loaded) load(cpu, *next);
        return next;
    }
}

}  // namespace

Thread* take_fpu(Cpu& cpu, Thread& next) {
    if (cpu.fpu_owner != nullptr) {
        machine::fpu_exchange(cpu.fpu_owner->fpu_state, next.fpu_state);
    } else {
        machine::fpu_restore(next.fpu_state);
    }
    cpu.fpu_owner = &next;
    return &next;
}

void make_ready(Cpu& cpu, Thread& thread) {
    thread.state = ThreadState::Ready;
    cpu.ready.push_back(thread);
    cpu.handoff_limit = -1;
    if (cpu.current == nullptr) return;
    if (thread.priority < cpu.current->priority) {
        need_choice(cpu);
    } else if (cpu.quantum_end == TimerQueue::kNever) {
        cpu.quantum_end = machine::now() + kQuantum;
        update_timer(cpu);
    }
}

void yield_current(Cpu& cpu) {
    cpu.quantum_expired = true;
    need_choice(cpu);
}

Thread* entry::next_thread() {
    Cpu& cpu = machine::this_cpu();
    Thread* next = leave_to_current(cpu);
    return next != nullptr ? next : choose_and_load(cpu);
}

}  // namespace shoal::kernel
