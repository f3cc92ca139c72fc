// Threads that change their home. Only the old home does it, and only to a thread that is ready to run: one that waits is
// in somebody's queue or hands, and moves when it is next about to run.
#pragma once

#include "base/cpu.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// The least loaded CPU that the affinity allows; `near` if it is no worse than the others.
CpuId place(uint64_t affinity, CpuId near);

// After this a thread of this CPU is in memory only, with its FPU state and bases.
void unload(Cpu& cpu, Thread& thread);
// A ready thread of this CPU, current or queued, goes to another one.
void migrate(Cpu& cpu, Thread& thread, CpuId target);
// The current thread goes to a CPU that its affinity allows.
void leave_this_cpu(Cpu& cpu, Thread& thread);
// A thread of this CPU has a new affinity: it moves now or when it next runs.
void apply_affinity(Cpu& cpu, Thread& thread, uint64_t affinity);

// Mail::Start: a Stopped thread of this CPU runs, here or where it is placed. Who waits to receive from it here has marked it as
// watched.
void start_thread(Cpu& cpu, Thread& thread);
// Mail::Arrive: the thread's first moment on this CPU.
void arrive(Cpu& cpu, Thread& thread);

// This CPU is about to idle: asks the most loaded one for a waiting thread.
void look_for_work(Cpu& cpu);
// Mail::Steal and Mail::StealHome.
void give_away(Cpu& cpu, Cpu::StealNode& node);
void steal_is_home(Cpu& cpu);

}  // namespace shoal::kernel
