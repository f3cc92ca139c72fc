// Cpu: what the core keeps for one CPU. All of it is that CPU's own, interrupts off, but for mailbox and published state.
#pragma once

#include <atomic>

#include "base/cpu.hpp"
#include "base/lock/lock_context.hpp"
#include "kernel/core/mail/mailbox.hpp"
#include "kernel/core/sched/run_queue.hpp"
#include "kernel/core/sched/timer_queue.hpp"

namespace shoal::kernel {

namespace space {
struct CpuSpaces;  // kernel/core/space/'s state of one CPU
}

// A message of the kernel to the worker of a CPU. Its owner must not touch it until it has been received.
struct WorkerMessage : MailNode {
    Message message;
    ListHook link;
    std::atomic<bool> pending{false};  // posted or queued, not received; set by the poster, cleared by the worker's CPU
};

// Of the CPU's threads beside long work of its worker (kernel/core/sched/turn.hpp).
enum class Turn : uint8_t { None, Lasts, Over };

class alignas(kCacheLine) Cpu {
  public:
    // Published instead of a priority.
    static constexpr uint8_t kAwake = 0;     // nothing runs, but it looks into its mailbox before it halts: needs no interrupt
    static constexpr uint8_t kAsleep = 255;  // worse than every priority

    explicit Cpu(CpuId number) : id(number), locks(number) {}

    // The IPC path.
    Thread* current = nullptr;       // runs or is about to; nullptr: next_thread() has to choose
    Thread* worker = nullptr;        // VM's worker here, once it has declared itself
    Thread* loaded = nullptr;        // whose space, FS, GS and FPU state the machine has now; nullptr: nobody's
    Thread* fpu_owner = nullptr;     // whose FPU state is in the registers
    Thread* bases_owner = nullptr;   // whose FS and GS are in the registers
    const CpuId id;
    bool quantum_expired = false;    // whoever runs next yields to its equals
    bool reschedule = false;         // current may not be the one to run
    int8_t handoff_limit = -1;       // threads of this priority or a better one may be handed the CPU without a choice
    RunQueue ready;

    // Read by posters on other CPUs.
    Mailbox mailbox;
    alignas(kCacheLine) std::atomic<uint8_t> published{kAsleep};  // no better than the priority of what runs; see publish()
    std::atomic<uint32_t> load{0};   // threads that run or wait here; a hint for placement

    // Never claims more urgency than there is: a poster that reads a better priority leaves its IPI out. Whoever lowers
    // it looks into the mailbox afterwards.
    void publish(uint8_t priority) {
        if (published.load(std::memory_order_relaxed) == priority) return;
        published.exchange(priority, std::memory_order_seq_cst);  // a full fence; pairs with the load in post_for()
    }

    alignas(kCacheLine) TimerQueue timers;
    uint64_t quantum_end = TimerQueue::kNever;  // [ns]; kNever: nothing competes
    uint64_t timer_set = TimerQueue::kNever;    // what the machine's timer was last given
    uint64_t turn_end = TimerQueue::kNever;     // [ns]; kNever: it does not last
    Turn turn = Turn::None;
    LockContext locks;
    List<Thread, &Thread::home_link> threads;   // every thread whose home this is
    List<WorkerMessage, &WorkerMessage::link> worker_messages;
    WorkerMessage worker_call;                  // kWorkerCalled; one at a time, posted by any CPU
    struct StealNode : MailNode {
        CpuId thief;
    } steal;                                    // asks another CPU for a waiting thread
    bool stealing = false;                      // it is away
    uint64_t next_steal = 0;                    // [ns]
    space::CpuSpaces* spaces = nullptr;         // kernel/core/space/
};

}  // namespace shoal::kernel
