#include "kernel/core/objects/hold.hpp"

#include <utility>

#include "kernel/core/ipc/probe.hpp"
#include "kernel/core/ipc/receive.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/process_table.hpp"
#include "kernel/core/objects/process_lock.hpp"
#include "kernel/core/sched/migration.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

namespace {

using Next = Thread::Next;

void become_held(Cpu& cpu, Thread& thread, Next next) {
    if (cpu.current == &thread) cpu.current = nullptr;
    unload(cpu, thread);
    thread.held = {next, thread.is(kReplay), thread.receive_from};
    if (next != Next::Receive) thread.receive_from = kNone;
    thread.clear(kHold);
    thread.clear(kReplay);
    thread.state = ThreadState::Held;
    count_if_quiet(thread);
}

void run(Cpu& cpu, Thread& thread) {
    if (thread.held.replay) thread.set(kReplay);
    make_ready(cpu, thread);
    apply_affinity(cpu, thread, thread.affinity);  // maybe of its start
}

// Whatever has come meanwhile is there: a reply first, since whoever sent that may have sent something else later. Whom it waited for may
// have died: while it waited, too.
void receive_anew(Cpu& cpu, Thread& thread) {
    thread.state = ThreadState::Ready;
    if (!take_kept_reply(thread, thread.held.from)) receive_next(cpu, thread, thread.held.from, Waiting::Allowed);
    if (thread.state != ThreadState::Ready) return;
    if (thread.has_result(Error::DeadEndpoint)) thread.set_result(Error::DeadSourceOrDestination);
    make_ready(cpu, thread);
}

void await_answer(Thread& thread) {
    thread.state = ThreadState::Receiving;
    thread.receive_from = thread.held.from;
    thread.wait_stamp = probe_clock_now();
    thread.set(kFinishingSendReceive);
}

// It may start elsewhere, and who waits for it here has not marked it, as he does who finds it Stopped.
void wait_for_start(Thread& thread) {
    thread.watched.store(1, std::memory_order_relaxed);
    thread.state = ThreadState::Stopped;
}

void let_go(Cpu& cpu, Thread& thread) {
    thread.clear(kHold);
    if (thread.state != ThreadState::Held) return;
    // release pairs with is_quiet(), though who reads it has seen the process resumed
    if (thread.quiet) thread.process->quiet_threads.fetch_sub(1, std::memory_order_release);
    thread.quiet = false;
    if (thread.held.next != Next::Receive) drop_kept_reply(thread);
    switch (thread.held.next) {
        case Next::Start: return std::exchange(thread.started, false) ? run(cpu, thread) : wait_for_start(thread);
        case Next::Run: return run(cpu, thread);
        case Next::Receive: return receive_anew(cpu, thread);
        case Next::Answer: return await_answer(thread);
    }
}

// What it is in the middle of is another thread's now. Who waits for an answer gets that though its process may have been stopped: it comes
// before that, and is on its way.
void adopt(Cpu& cpu, Thread& thread) {
    if (thread.state != ThreadState::Held) return;
    thread.receive_from = thread.held.next == Next::Receive ? thread.held.from : kNone;
    if (thread.held.next == Next::Answer) let_go(cpu, thread);
}

void tell_threads(Process& process) {
    process.threads.for_each([](Thread& thread) {
        if (thread.hold.claim(full_name(thread))) post_hold(thread);  // else its home has yet to look
    });
}

// Threads that are not quiet; when all are, those whose homes have yet to hear of something. A swap is refused for either.
uint64_t count_restless(Process& process) {
    const uint64_t live = process.live_threads.load(std::memory_order_relaxed);
    const uint64_t restless = live - process.quiet_threads.load(std::memory_order_relaxed);
    if (restless != 0) return restless;
    uint64_t told = 0;
    process.threads.for_each([&](const Thread& thread) {
        const bool alive = thread.endpoint() != kNoName;
        if (alive && thread.hold.claimable.load(std::memory_order_relaxed) == 0) ++told;
    });
    return told;
}

Result<void> check_living(const Process& process, Endpoint endpoint, const ProcessHeld& held) {
    TRY(check_name(process, endpoint, held));
    if (slot_of(process) == kVmSlot) return Error::BadEndpoint;
    const ProcessState state = process.state.load(std::memory_order_relaxed);
    if (state != ProcessState::Created && state != ProcessState::Running) return Error::DeadEndpoint;
    return {};
}

}  // namespace

bool is_quiet(const Process& process) {
    // acquire pairs with count_if_quiet(): what the homes have put into memory is there
    return process.stopping.load(std::memory_order_relaxed) &&
           process.quiet_threads.load(std::memory_order_acquire) == process.live_threads.load(std::memory_order_relaxed);
}

void post_hold(Thread& thread) {
    thread.hold.kind = Mail::Hold;
    post_now(thread.home_cpu(), thread.hold);
}

Result<uint64_t> stop_process(Cpu& cpu, const Process& caller, Endpoint endpoint) {
    Process* process = TRY(find_slot(endpoint));
    ProcessGuard guard{cpu.locks, process->lock};
    TRY(check_living(*process, endpoint, guard.token()));
    if (process == &caller) return Error::Invalid;
    // --- commit point ---
    const bool again = process->stopping.exchange(true, std::memory_order_seq_cst);  // pairs with heed()
    // Once more, too: who has come out of other hands since, and waits for the CPU, is held at once. But a swap would have to wait for news that is none.
    if (!again || !is_quiet(*process)) tell_threads(*process);
    return count_restless(*process);
}

Result<void> resume_process(Cpu& cpu, Endpoint endpoint) {
    Process* process = TRY(find_slot(endpoint));
    ProcessGuard guard{cpu.locks, process->lock};
    TRY(check_living(*process, endpoint, guard.token()));
    // --- commit point ---
    if (process->stopping.exchange(false, std::memory_order_seq_cst)) tell_threads(*process);  // pairs with heed()
    return {};
}

void on_hold(Cpu& cpu, Thread& thread) {
    // While we have the node nobody swaps the process.
    const Process& process = *thread.process;
    const bool swapped = std::exchange(thread.hold.swapped, false);
    if (thread.state == ThreadState::Dead) return node_is_back(cpu, thread);  // after which its slot may be another CPU's
    if (swapped) adopt(cpu, thread);
    give_back(cpu, thread, thread.hold);
    heed(cpu, thread, process);
}

void heed(Cpu& cpu, Thread& thread, const Process& process) {
    // Pairs with the stores in stop_process() and resume_process(): who could not claim the node has stored before we look; and in swap_contents().
    const bool stopping = process.stopping.load(std::memory_order_seq_cst);
    // A swap that has come between changes that last: who sees it sees the rest, and more news is on its way. A further thread has then gone with its
    // process, which is stopped.
    const bool has_gone = process_slot_of(thread) != slot_of(process);
    if (stopping || has_gone) {
        thread.set(kHold);
        hold(cpu, thread);
    } else {
        let_go(cpu, thread);
    }
}

void hold(Cpu& cpu, Thread& thread) {
    switch (thread.state) {
        case ThreadState::Ready:
            if (thread.is(kInTransit)) return;
            if (thread.queue_link.linked()) cpu.ready.remove(thread);
            return become_held(cpu, thread, Next::Run);
        case ThreadState::Receiving:
            if (thread.is(kFinishingSendReceive)) return;
            return become_held(cpu, thread, Next::Receive);
        case ThreadState::Stopped:
            return become_held(cpu, thread, Next::Start);
        case ThreadState::Held:
            return thread.clear(kHold);
        default:
            return;
    }
}

void count_if_quiet(Thread& thread) {
    if (thread.quiet || thread.async.count != 0 || thread.async_offer.out) return;
    thread.quiet = true;
    thread.process->quiet_threads.fetch_add(1, std::memory_order_release);  // pairs with is_quiet()
}

bool start_held(Thread& thread) {
    if (thread.state == ThreadState::Held) {
        thread.started = true;  // not in `held`, where a swap looks that is refused for this
        return true;
    }
    // A thread that its process has made before all of it was held. seq_cst: pairs with stop_process(), as in heed()
    if (thread.process->stopping.load(std::memory_order_seq_cst)) thread.set(kHold);
    return false;
}

}  // namespace shoal::kernel
