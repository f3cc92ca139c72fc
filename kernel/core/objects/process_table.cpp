#include "kernel/core/objects/process_table.hpp"

#include <cstring>
#include <utility>

#include "abi/kernel_info.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/free_slots.hpp"
#include "kernel/core/objects/late.hpp"
#include "kernel/core/objects/process_lock.hpp"
#include "kernel/core/objects/stopped_children.hpp"
#include "kernel/core/sched/migration.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

constinit Late<FreeSlots<Thread, &Thread::queue_link>> free_threads;
constinit Late<FreeSlots<Process, &Process::slot_link>> free_processes;

uint16_t next_generation(uint16_t generation) { return generation == 0xffff ? 1 : static_cast<uint16_t>(generation + 1); }

// Gives a free slot its next incarnation, Stopped and nameless: name_thread() publishes it. Its home is this CPU until it starts.
void take_thread(Cpu& cpu, Thread& thread, Process& process, const ProcessHeld&) {
    thread.home.store(cpu.id.raw(), std::memory_order_release);  // pairs with Thread::home_cpu()
    cpu.threads.push_back(thread);
    thread.generation = next_generation(thread.generation);
    thread.registers = Registers{};
    thread.state = ThreadState::Stopped;
    thread.flags = 0;
    thread.pending = 0;
    thread.notified = NotificationSet{};
    thread.notified_special = 0;
    thread.notified_as_of = ended_processes.load(std::memory_order_relaxed);
    thread.async_sources = NotificationSet{};
    thread.async = AsyncTable{};
    thread.receive_from = thread.sending_to = kNone;
    thread.process = &process;
    thread.bases = {};
    thread.affinity = kAnyCpu;
    thread.fault.type = 0;
    thread.held = {};
    thread.quiet = thread.started = false;
    thread.nodes_out = 0;
    thread.alarm_in_transit = 0;
    thread.watched.store(0, std::memory_order_relaxed);
    thread.withdrawn.store(0, std::memory_order_relaxed);
    thread.probe.again.store(false, std::memory_order_relaxed);
    thread.stop_posted = thread.stop_handled = thread.stop_was_awaited = false;
    process.threads.push_back(thread);
    process.live_threads.fetch_add(1, std::memory_order_relaxed);
}

void name_thread(Thread& thread) {
    const Endpoint name = full_name(thread);
    const Privileges& privileges = thread.process->privileges;
    thread.source_name = thread.is(kWorker) ? kVm : name;
    thread.priority = static_cast<uint8_t>(privileges.priority);
    thread.no_fpu = (privileges.flags & kNoFpu) != 0 ? 1 : 0;
    thread.priority_hint.store(thread.priority, std::memory_order_relaxed);
    thread.process_slot.store(slot_of(*thread.process), std::memory_order_release);  // pairs with may_send_to()
    for (ClaimableNode* node : {static_cast<ClaimableNode*>(&thread.reply), static_cast<ClaimableNode*>(&thread.probe),
                                static_cast<ClaimableNode*>(&thread.resume), static_cast<ClaimableNode*>(&thread.hold)})
        node->release(name);
    thread.name.store(name.raw(), std::memory_order_release);  // pairs with find_thread() on other CPUs
}

void take_process(Process& process, const char* title, Endpoint manager, Endpoint parent, const ProcessHeld&) {
    process.privileges = Privileges{};
    process.privileges.priority = kUserPriority;
    memset(process.title, 0, sizeof(process.title));
    for (size_t i = 0; i + 1 < sizeof(process.title) && title[i] != 0; ++i) process.title[i] = title[i];
    process.manager = manager;
    process.parent = parent;
    process.status = 0;
    process.grant_table.store(0, std::memory_order_relaxed);
    process.grant_count.store(0, std::memory_order_relaxed);
    process.live_threads.store(0, std::memory_order_relaxed);
    process.stopping.store(false, std::memory_order_relaxed);
    process.quiet_threads.store(0, std::memory_order_relaxed);
    const uint16_t generation = next_generation(process.generation);
    process.generation = generation;
    // pairs with find_process()
    process.name.store(ProcessId::of(slot_of(process), generation).raw(), std::memory_order_release);
    process.state.store(ProcessState::Created, std::memory_order_relaxed);
}

// The slots are ours.
NewProcess make_process(Cpu& cpu, Process& process, Thread& thread, const char* title, Endpoint manager, Endpoint parent) {
    ProcessGuard guard{cpu.locks, process.lock};
    take_process(process, title, manager, parent, guard.token());
    take_thread(cpu, thread, process, guard.token());
    process.first_thread = full_name(thread);
    name_thread(thread);
    return {process.first_thread, process.id()};
}

// Has the thread's home start it. Nobody else looks at the registers of a thread that has not started.
void launch(Cpu& cpu, Thread& thread, const ThreadStart& start, const ProcessHeld&) {
    Registers& registers = thread.registers;
    registers.rip = start.entry.raw();
    registers.rsp = start.stack.raw();
    registers.rdi = start.argument;
    registers.cs = Registers::kUserCode;
    registers.ss = Registers::kUserData;
    registers.rflags = Registers::kUserFlags;
    thread.bases.fs = start.tls;
    thread.affinity = start.affinity;
    if (thread.no_fpu == 0) machine::fpu_init(thread.fpu_state);
    if (thread.home_cpu() == cpu.id) return start_thread(cpu, thread);
    thread.arrive.kind = Mail::Start;
    post_now(thread.home_cpu(), thread.arrive);
}

void free_thread(Cpu& cpu, Thread& thread, const ProcessHeld&) {
    thread.process->threads.remove(thread);
    thread.process = nullptr;
    thread.state = ThreadState::Free;
    free_threads->give(cpu, thread);
}

// Its notifications have been delivered: who sent them waited for that. Lock-free: it is counted before the common count says so, and anew
// if another end has got that number.
void count_end(Process& process) {
    uint64_t ends = ended_processes.load(std::memory_order_relaxed);
    do process.ended.store(ends + 1, std::memory_order_release);  // pairs with is_void()
    while (!ended_processes.compare_exchange_weak(ends, ends + 1, std::memory_order_release,  // pairs with drop_void()
                                                  std::memory_order_relaxed));
}

void process_is_stopped(Process& process, const ProcessHeld& held) {
    process.state.store(ProcessState::Stopped, std::memory_order_relaxed);
    if (process.is_system()) count_end(process);
    pass_on_children(process, held);
    tell_manager(process);
}

}  // namespace

Result<Process*> find_slot(Endpoint endpoint) {
    Thread* thread = thread_slot(endpoint);
    if (thread == nullptr || endpoint.generation() == 0) return Error::BadEndpoint;
    const uint32_t slot = thread->process_slot.load(std::memory_order_acquire);  // pairs with name_thread()
    if (slot == Thread::kNeverTaken) return Error::BadEndpoint;
    return &tables.processes[slot];
}

Result<void> check_name(const Process& process, Endpoint endpoint, const ProcessHeld&) {
    const bool taken = process.state.load(std::memory_order_relaxed) != ProcessState::Free;
    if (!taken || process.first_thread != endpoint) return Error::DeadEndpoint;
    return {};
}

void initialise_slots() {
    Cpu& cpu = tables.cpus[0];
    free_threads.construct();
    free_processes.construct();
    for (Thread& thread : tables.threads) {
        thread.alarm.thread = thread.timeout.thread = &thread;
        thread.timeout.kind = Timer::Kind::WaitTimeout;
        for (MailNode* node : {static_cast<MailNode*>(&thread.request), static_cast<MailNode*>(&thread.reply),
                               static_cast<MailNode*>(&thread.probe), static_cast<MailNode*>(&thread.resume), static_cast<MailNode*>(&thread.hold),
                               static_cast<MailNode*>(&thread.async_offer), &thread.withdraw, &thread.stop, &thread.arrive,
                               &thread.wake, &thread.obituary})
            node->thread = &thread;
        free_threads->add(cpu, thread);
    }
    for (Process& process : tables.processes) free_processes->add(cpu, process);
}

Result<NewProcess> create_process(Cpu& cpu, const char* title, Endpoint manager, Endpoint parent) {
    Process* process = free_processes->take(cpu);
    if (process == nullptr) return Error::Again;
    Thread* thread = free_threads->take(cpu);
    if (thread == nullptr) {
        free_processes->give(cpu, *process);
        return Error::Again;
    }
    // --- commit point ---
    return make_process(cpu, *process, *thread, title, manager, parent);
}

NewProcess create_process_at(Cpu& cpu, uint32_t process_slot, uint32_t thread_slot, const char* title) {
    free_processes->take_this(cpu, tables.processes[process_slot]);
    free_threads->take_this(cpu, tables.threads[thread_slot]);
    return make_process(cpu, tables.processes[process_slot], tables.threads[thread_slot], title, kNone, kNone);
}

Thread& create_worker_at(Cpu& cpu, Process& process, uint32_t slot) {
    Thread& thread = tables.threads[slot];
    free_threads->take_this(cpu, thread);
    ProcessGuard guard{cpu.locks, process.lock};
    take_thread(cpu, thread, process, guard.token());
    thread.set(kWorker);
    name_thread(thread);
    return thread;
}

void make_worker(Thread& thread) {
    thread.set(kWorker);
    name_thread(thread);
}

void start_created_thread(Cpu& cpu, Thread& thread, const ThreadStart& start) {
    ProcessGuard guard{cpu.locks, thread.process->lock};
    thread.process->state.store(ProcessState::Running, std::memory_order_relaxed);
    launch(cpu, thread, start, guard.token());
}

Result<Process*> find_by_first_thread(Cpu& cpu, Endpoint endpoint) {
    Process* process = TRY(find_slot(endpoint));
    ProcessGuard guard{cpu.locks, process->lock};
    TRY(check_name(*process, endpoint, guard.token()));
    return process;
}

Result<void> start_process(Cpu& cpu, Endpoint endpoint, const ThreadStart& start) {
    Process* process = TRY(find_slot(endpoint));
    ProcessGuard guard{cpu.locks, process->lock};
    TRY(check_name(*process, endpoint, guard.token()));
    if (process->state.load(std::memory_order_relaxed) != ProcessState::Created) return Error::Busy;
    // --- commit point ---
    process->state.store(ProcessState::Running, std::memory_order_relaxed);
    launch(cpu, *process->threads.front(), start, guard.token());
    return {};
}

Result<Endpoint> create_thread(Cpu& cpu, Process& process, const ThreadStart& start) {
    ProcessGuard guard{cpu.locks, process.lock};
    if (process.state.load(std::memory_order_relaxed) != ProcessState::Running) return Error::Again;
    Thread* thread = free_threads->take(cpu);
    if (thread == nullptr) return Error::Again;
    // --- commit point ---
    take_thread(cpu, *thread, process, guard.token());
    name_thread(*thread);
    const Endpoint name = thread->endpoint();
    launch(cpu, *thread, start, guard.token());
    return name;
}

void set_privileges(Process& process, Thread& first, const Privileges& privileges) {
    process.privileges = privileges;
    if (privileges.manager != kNone) process.manager = privileges.manager;
    first.priority = static_cast<uint8_t>(privileges.priority);
    first.priority_hint.store(first.priority, std::memory_order_relaxed);
    first.no_fpu = (privileges.flags & kNoFpu) != 0 ? 1 : 0;
}

Result<void> set_privileges(Cpu& cpu, Endpoint endpoint, const Privileges& privileges) {
    Process* process = TRY(find_slot(endpoint));
    ProcessGuard guard{cpu.locks, process->lock};
    TRY(check_name(*process, endpoint, guard.token()));
    if (process->state.load(std::memory_order_relaxed) != ProcessState::Created) return Error::Busy;
    // --- commit point ---
    set_privileges(*process, *process->threads.front(), privileges);
    return {};
}

Result<void> release_process(Cpu& cpu, Endpoint endpoint) {
    Process& process = *TRY(find_slot(endpoint));
    ProcessGuard guard{cpu.locks, process.lock};
    if (!check_name(process, endpoint, guard.token()).ok()) return Error::BadEndpoint;
    const bool ended = process.state.load(std::memory_order_relaxed) == ProcessState::Reaped && space::gone(process);
    if (!ended) return Error::Busy;
    // --- commit point ---
    free_thread(cpu, *process.threads.front(), guard.token());
    process.name.store(0, std::memory_order_release);  // pairs with find_process()
    process.state.store(ProcessState::Free, std::memory_order_relaxed);
    free_processes->give(cpu, process);
    return {};
}

void thread_is_gone(Cpu& cpu, Thread& thread) {
    Process& process = *thread.process;  // no swap comes between: not all of it is quiet, or it is dying
    ProcessGuard guard{cpu.locks, process.lock};
    thread.stop_was_awaited = thread.stop_posted && !thread.stop_handled;
    if (thread.stop_was_awaited) return;  // on_stop() comes here again
    thread.stop_posted = true;            // else never will be: who ends the process waits for no answer of this one
    const bool last = process.live_threads.fetch_sub(1, std::memory_order_relaxed) == 1;
    if (process.first_thread != full_name(thread)) free_thread(cpu, thread, guard.token());
    if (last) process_is_stopped(process, guard.token());
}

bool stop_is_handled(Cpu& cpu, Thread& thread) {
    ProcessGuard guard{cpu.locks, thread.process->lock};
    thread.stop_handled = true;
    return thread.stop_was_awaited;
}

Error kill_process(Cpu& cpu, Process& process, int64_t status) {
    ProcessGuard guard{cpu.locks, process.lock};
    const ProcessState state = process.state.load(std::memory_order_relaxed);
    if (state != ProcessState::Created && state != ProcessState::Running) return Error::DeadEndpoint;
    // --- commit point ---
    process.state.store(ProcessState::Dying, std::memory_order_relaxed);
    process.status = status;
    process.threads.for_each([&](Thread& thread) {
        if (std::exchange(thread.stop_posted, true)) return;  // the first one, gone before the others
        thread.stop.kind = Mail::Stop;
        post_now(thread.home_cpu(), thread.stop);
    });
    return Error::None;
}

SlotCounts slots_in_use() { return {free_processes->in_use(), free_threads->in_use()}; }

}  // namespace shoal::kernel
