#include "kernel/core/objects/process_swap.hpp"

#include <utility>

#include "kernel/core/ipc/deliver.hpp"
#include "kernel/core/objects/hold.hpp"
#include "kernel/core/objects/process_table.hpp"
#include "kernel/core/objects/process_lock.hpp"
#include "kernel/core/sched/migration.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

namespace {

// Under the lock.
Result<void> check_swappable(const Process& process, ProcessId id) {
    const ProcessState state = process.state.load(std::memory_order_relaxed);
    if (process.id() != id || (state != ProcessState::Created && state != ProcessState::Running)) return Error::NoProcess;
    if (id.slot() == kVmSlot || !process.is_system()) return Error::Permission;
    return {};
}

// The thread that waits for VM's answer here, if it is one of these two; nullptr: it is none, or cannot be swapped.
Thread* find_asker(Cpu& cpu, Endpoint asker, const Process& a, const Process& b) {
    Thread* thread = find_thread(asker);
    if (thread == nullptr || !is_home(cpu, *thread) || !waits_for_reply(*thread, kVm)) return nullptr;
    const bool still = thread->async.count == 0 && !thread->async_offer.out;
    return still && (thread->process == &a || thread->process == &b) ? thread : nullptr;
}

bool is_asking(const Process& process, const Thread* asker) { return asker != nullptr && asker->process == &process; }

// Whose hold node can be had then does not run, and will not before its process is resumed: its home has held it or is about to. So it does not end
// while we have the node, which it would wait for.
bool stands_still(const Process& process, const Thread* asker) {
    if (is_asking(process, asker)) return process.live_threads.load(std::memory_order_relaxed) == 1;
    return process.stopping.load(std::memory_order_relaxed);
}

// With the hold nodes of all its threads. A home that has let a thread go, and has been told to hold it again, counts it as quiet no more
// before it gives its node back: who has the node sees that. What the homes of quiet threads have written into `held` is ordered by is_quiet().
bool may_be_swapped(const Process& process, const Thread* asker) {
    if (is_asking(process, asker)) return true;
    if (!is_quiet(process)) return false;
    // Who has been asked and has not answered would answer under another name. Running and to be started: the news is on its way.
    const bool started = process.state.load(std::memory_order_relaxed) == ProcessState::Running;
    return tables.threads[process.first_thread.slot()].held.next == (started ? Thread::Next::Receive : Thread::Next::Start);
}

// The hold nodes of all threads of a process, so that no home hears of anything until it is done; given back if it does not come to that.
class ClaimedNodes {
  public:
    explicit ClaimedNodes(Process& process) : process_(process) {
        Thread* thread = process.threads.front();
        for (; thread != nullptr && thread->hold.claim(full_name(*thread)); thread = process.threads.next(*thread)) ++claimed_;
        all_ = thread == nullptr;
    }
    ~ClaimedNodes() {
        Thread* thread = process_.threads.front();
        for (; claimed_ > 0; --claimed_, thread = process_.threads.next(*thread)) thread->hold.release(full_name(*thread));
    }
    ClaimedNodes(const ClaimedNodes&) = delete;
    ClaimedNodes& operator=(const ClaimedNodes&) = delete;

    // False: some news is still on its way.
    [[nodiscard]] bool all() const { return all_; }
    // They will be posted.
    void keep() {
        process_.threads.for_each([](Thread& thread) { thread.hold.swapped = true; });
        claimed_ = 0;
    }

  private:
    Process& process_;
    unsigned claimed_ = 0;
    bool all_ = false;
};

// It is held as it waits. Its home is here.
void hold_asker(Cpu& cpu, Thread& asker) {
    unload(cpu, asker);
    asker.clear(kFinishingSendReceive);
    asker.held = {Thread::Next::Answer, false, kVm};
    asker.state = ThreadState::Held;
    count_if_quiet(asker);
}

template <typename Value>
void swap_values(std::atomic<Value>& a, std::atomic<Value>& b) {
    const Value kept = a.load(std::memory_order_relaxed);
    a.store(b.load(std::memory_order_relaxed), std::memory_order_relaxed);
    b.store(kept, std::memory_order_relaxed);
}

// What a thread has of its process' privileges goes with these, here: process_start and privilege_set of one that has not started may come
// before its home hears of anything. Its home looks at none of this while it is Held.
void swap_first_threads(Thread& a, Thread& b) {
    std::swap(a.registers, b.registers);
    std::swap(a.bases, b.bases);
    std::swap(a.fpu_state, b.fpu_state);
    std::swap(a.held, b.held);
    std::swap(a.priority, b.priority);
    std::swap(a.no_fpu, b.no_fpu);
    swap_values(a.priority_hint, b.priority_hint);
}

void adopt_threads(Process& from, Process& to, const Thread& last) {
    while (from.threads.front() != &last) {
        Thread& thread = *from.threads.pop_front();
        to.threads.push_back(thread);
        thread.process = &to;
        thread.process_slot.store(slot_of(to), std::memory_order_release);  // pairs with may_send_to()
    }
}

// The first threads stay.
void swap_threads(Process& a, Process& b) {
    Thread& first_a = tables.threads[a.first_thread.slot()];
    Thread& first_b = tables.threads[b.first_thread.slot()];
    swap_first_threads(first_a, first_b);
    for (auto [process, first] : {std::pair{&a, &first_a}, std::pair{&b, &first_b}}) {
        process->threads.remove(*first);
        process->threads.push_back(*first);
    }
    adopt_threads(a, b, first_a);
    adopt_threads(b, a, first_b);
}

void swap_contents(Process& a, Process& b) {
    std::swap(a.privileges, b.privileges);
    std::swap(a.title, b.title);
    swap_values(a.state, b.state);
    swap_values(a.live_threads, b.live_threads);
    swap_values(a.quiet_threads, b.quiet_threads);
    swap_values(a.grant_table, b.grant_table);
    swap_values(a.grant_count, b.grant_count);
    swap_threads(a, b);
    // Last: a home that is just looking at it goes on by what it finds. seq_cst: pairs with heed()
    const bool stopping = a.stopping.load(std::memory_order_relaxed);
    a.stopping.store(b.stopping.load(std::memory_order_relaxed), std::memory_order_seq_cst);
    b.stopping.store(stopping, std::memory_order_seq_cst);
}

// This CPU, too, hears of it before anybody runs here: VM's answer finds who waits for it.
void tell_homes(Process& process) {
    process.threads.for_each([](Thread& thread) { post_hold(thread); });
}

}  // namespace

Result<Endpoint> swap_processes(Cpu& cpu, ProcessId source, ProcessId destination, Endpoint asker, SwapDepth depth) {
    Process *const a = find_process(source), *const b = find_process(destination);
    if (a == nullptr || b == nullptr) return Error::NoProcess;
    if (a == b) return Error::Invalid;
    Endpoint answered = asker;
    {
        ProcessPair guard{cpu.locks, a->lock, b->lock};
        TRY(check_swappable(*a, source));
        TRY(check_swappable(*b, destination));
        Thread* const waiting = find_asker(cpu, asker, *a, *b);
        if (!stands_still(*a, waiting) || !stands_still(*b, waiting)) return Error::Busy;
        ClaimedNodes nodes_of_a(*a), nodes_of_b(*b);
        if (!nodes_of_a.all() || !nodes_of_b.all() || !may_be_swapped(*a, waiting) || !may_be_swapped(*b, waiting)) return Error::Busy;
        if (depth == SwapDepth::Try) return asker;
        // --- commit point ---
        nodes_of_a.keep();
        nodes_of_b.keep();
        if (waiting != nullptr) {
            answered = waiting->process == a ? b->first_thread : a->first_thread;
            hold_asker(cpu, *waiting);
        }
        swap_contents(*a, *b);
        tell_homes(*a);
        tell_homes(*b);
    }
    return answered;
}

}  // namespace shoal::kernel
