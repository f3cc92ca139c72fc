// The scheduler of one CPU: 16 priorities, first come first served within one, a quantum where equals compete.
//
// cpu.current is the thread that runs when the CPU next leaves the kernel. Who blocks takes itself out of it; who is
// handed the CPU directly is put into it; next_thread() consults the queues only if neither settles the matter.
#pragma once

#include "kernel/core/cpu.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/process.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

inline constexpr uint64_t kQuantum = 10'000'000;    // [ns]
inline constexpr uint64_t kIdleCheck = 10'000'000;  // [ns] between two looks of an idle CPU for waiting threads elsewhere

inline bool is_home(const Cpu& cpu, const Thread& thread) {
    return thread.home.load(std::memory_order_acquire) == cpu.id.raw();  // pairs with depart(): it may be here before its mail
}

// The thread (of this CPU, not runnable until now) waits for the CPU.
void make_ready(Cpu& cpu, Thread& thread);

// The current thread waits from here on; its state has been set.
inline void block_current(Cpu& cpu, const Thread& thread) {
    if (cpu.current == &thread) cpu.current = nullptr;
}

// Before the next thread runs, the queues are consulted.
inline void need_choice(Cpu& cpu) {
    cpu.reschedule = true;
    cpu.handoff_limit = -1;
}

// What handoff_limit is: who waits goes first, and equals do when the quantum is over; and who is less urgent than what other CPUs
// take this one to be at has to be published. Valid until somebody else becomes ready or a choice is needed.
inline int8_t handoff_limit(const Cpu& cpu) {
    if (cpu.reschedule) return -1;
    const int best_waiting = static_cast<int>(cpu.ready.best()) - (cpu.quantum_expired ? 1 : 0);
    const int published = cpu.published.load(std::memory_order_relaxed);
    return static_cast<int8_t>(best_waiting < published ? best_waiting : published);
}

inline bool may_be_handed(const Cpu& cpu, const Thread& thread) { return thread.priority <= cpu.handoff_limit; }

// Direct handoff: the current thread has just blocked, `thread` runs at once unless somebody better waits.
inline void hand_off(Cpu& cpu, Thread& thread) {
    thread.state = ThreadState::Ready;
    cpu.current = &thread;
    if (may_be_handed(cpu, thread)) [[likely]] return;
    cpu.handoff_limit = handoff_limit(cpu);
    if (!may_be_handed(cpu, thread)) need_choice(cpu);
}

// Puts the current thread behind its equals.
void yield_current(Cpu& cpu);

// Programs the machine's timer for the next thing due, or for an earlier moment [ns].
void update_timer(Cpu& cpu, uint64_t no_later = TimerQueue::kNever);

}  // namespace shoal::kernel
