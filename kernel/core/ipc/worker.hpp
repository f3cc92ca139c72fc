// What concerns VM's workers: faults handed to them, and the kernel's messages for them.
#pragma once

#include "abi/trap.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// This CPU's worker is told of thread.fault, now or when it next receives; thread (of this CPU) is in VM's hands from here
// on, and does not migrate. Gives fault.sequence its next number. If the worker waits, it is what runs next.
// Without a worker the thread's process is killed with a message.
void hand_to_worker(Cpu& cpu, Thread& thread);

// The thread was taken by the worker of this CPU, received by it, and waits for the answer to this fault or request.
inline bool is_in_hand(const Cpu& cpu, const Thread& thread, uint32_t sequence) {
    return thread.home_cpu() == cpu.id && thread.state == ThreadState::InVmHands && thread.fault.sequence == sequence &&
           !thread.queue_link.linked();
}

// VM has done with a thread of this CPU. outcome None: it runs again (a memory request's call is replayed). Otherwise a
// fault kills its process, a memory request's call returns the error. Stale sequences and other homes are dealt with.
// False: nothing was done, since the thread's resume node is away with another answer; ask_to_resume().
[[nodiscard]] bool resume_thread(Cpu& cpu, Endpoint thread, uint32_t sequence, Error outcome);

enum class Waiting : uint8_t {
    Allowed,
    Refused,
    GivesWay,  // of a worker: refused, but after the turn of others (kernel/core/sched/turn.hpp)
};
inline Waiting waiting_of(uint64_t trap_flags) {
    if ((trap_flags & kNonBlocking) == 0) return Waiting::Allowed;
    return (trap_flags & kGiveWay) != 0 ? Waiting::GivesWay : Waiting::Refused;
}

// The worker's own node carries the answer, and the worker receives when it has been handled, in bounded time. The answer on its
// way may be a stale one, so that to drop this one could leave the thread in VM's hands for ever.
void ask_to_resume(Cpu& cpu, Thread& worker, Endpoint thread, uint32_t sequence, Error outcome, Waiting waiting);
// Mail::ResumeAsked at the thread's home.
void on_resume_asked(Cpu& cpu, Thread& worker);

// Sends a message to the worker of a CPU. Any CPU; message.pending has been set by the caller, who finds it false again
// when the message has been received.
void send_to_worker(CpuId target, WorkerMessage& message);

// Mail::WorkerMessage.
void on_worker_message(Cpu& cpu, WorkerMessage& message);
// True: the worker's registers hold the oldest of the kernel's messages.
bool take_worker_message(Cpu& cpu, Thread& worker);

// Ends the process of a thread of this CPU because of what the thread did, with a message on the console: address, kind,
// program, backtrace. kind: in words.
[[gnu::cold, gnu::noinline]] void kill_for_fault(Cpu& cpu, Thread& thread, const char* kind, VirtualAddress address);

}  // namespace shoal::kernel
