#include "kernel/core/objects/process_table.hpp"

#include <cstring>

#include "abi/kernel_info.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/late.hpp"
#include "kernel/core/objects/table_lock.hpp"
#include "kernel/core/sched/migration.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

constinit TableLock table_lock;

namespace {

// Oldest first, so that a name stays unused for long.
constinit Late<List<Thread, &Thread::queue_link>> free_threads GUARDED_BY(table_lock);
constinit Late<List<Process, &Process::stopped_link>> free_processes GUARDED_BY(table_lock);
constinit Late<List<Process, &Process::stopped_link>> stopped_processes GUARDED_BY(table_lock);
uint32_t threads_in_use GUARDED_BY(table_lock), processes_in_use GUARDED_BY(table_lock);

uint16_t next_generation(uint16_t generation) { return generation == 0xffff ? 1 : static_cast<uint16_t>(generation + 1); }

// Gives a free slot its next incarnation, Stopped and nameless: name_thread() publishes it. Its home is this CPU until it starts.
void take_thread(Cpu& cpu, Thread& thread, Process& process, const TableHeld&) REQUIRES(table_lock) {
    free_threads->remove(thread);
    thread.home.store(cpu.id.raw(), std::memory_order_release);  // pairs with Thread::home_cpu()
    cpu.threads.push_back(thread);
    ++threads_in_use;
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
    thread.quiet = false;
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

void take_process(Process& process, const char* title, Endpoint manager, Endpoint parent, const TableHeld&) REQUIRES(table_lock) {
    free_processes->remove(process);
    ++processes_in_use;
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

NewProcess take_both(Cpu& cpu, Process& process, Thread& thread, const char* title, Endpoint manager, Endpoint parent,
                     const TableHeld& held) REQUIRES(table_lock) {
    take_process(process, title, manager, parent, held);
    take_thread(cpu, thread, process, held);
    process.first_thread = full_name(thread);
    name_thread(thread);
    return {process.first_thread, process.id()};
}

// Has the thread's home start it. Nobody else looks at the registers of a thread that has not started.
void launch(Cpu& cpu, Thread& thread, const ThreadStart& start, const TableHeld&) {
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

void free_thread(Thread& thread, const TableHeld&) REQUIRES(table_lock) {
    thread.process->threads.remove(thread);
    thread.process = nullptr;
    thread.state = ThreadState::Free;
    free_threads->push_back(thread);
    --threads_in_use;
}

void tell_manager(Process& process) {
    Endpoint manager = process.manager;
    if (find_thread(manager) == nullptr) manager = kRs;
    Thread* thread = find_thread(manager);
    if (thread == nullptr || thread->home.load(std::memory_order_relaxed) >= tables.cpus.size()) return;
    process.notice.kind = Mail::ManagerNotice;
    process.notice.target = manager;
    process.notice.out.store(true, std::memory_order_relaxed);
    post_now(thread->home_cpu(), process.notice);
}

void process_is_stopped(Process& process, const TableHeld&) REQUIRES(table_lock) {
    process.state.store(ProcessState::Stopped, std::memory_order_relaxed);
    // Its notifications have been delivered: who sent them waited for that. release pairs with is_void() and drop_void()
    const uint64_t ends = ended_processes.load(std::memory_order_relaxed) + 1;
    process.ended.store(ends, std::memory_order_release);
    ended_processes.store(ends, std::memory_order_release);
    stopped_processes->push_back(process);
    tell_manager(process);
}

bool manages(const Process& manager, const Process& process) {
    if (process.manager == manager.first_thread) return true;
    return manager.first_thread == kRs && find_thread(process.manager) == nullptr;
}

}  // namespace

Result<Process*> find_locked(Endpoint endpoint, const TableHeld&) {
    Thread* thread = thread_slot(endpoint);
    if (thread == nullptr || endpoint.generation() == 0) return Error::BadEndpoint;
    Process* process = thread->process;
    const bool taken = thread->generation == endpoint.generation() && process != nullptr &&
                       process->first_thread == endpoint && process->state.load(std::memory_order_relaxed) != ProcessState::Free;
    if (taken) return process;
    return thread->generation == 0 ? Error::BadEndpoint : Error::DeadEndpoint;
}

void initialise_slots() {
    TableGuard guard{tables.cpus[0].locks, table_lock};  // nobody contends: the boot CPU is alone
    free_threads.construct();
    free_processes.construct();
    stopped_processes.construct();
    threads_in_use = processes_in_use = 0;
    for (Thread& thread : tables.threads) {
        thread.alarm.thread = thread.timeout.thread = &thread;
        thread.timeout.kind = Timer::Kind::WaitTimeout;
        for (MailNode* node : {static_cast<MailNode*>(&thread.request), static_cast<MailNode*>(&thread.reply),
                               static_cast<MailNode*>(&thread.probe), static_cast<MailNode*>(&thread.resume), static_cast<MailNode*>(&thread.hold),
                               static_cast<MailNode*>(&thread.async_offer), &thread.withdraw, &thread.stop, &thread.arrive,
                               &thread.wake, &thread.obituary})
            node->thread = &thread;
        free_threads->push_back(thread);
    }
    for (Process& process : tables.processes) free_processes->push_back(process);
}

Result<NewProcess> create_process(Cpu& cpu, const char* title, Endpoint manager, Endpoint parent) {
    TableGuard guard{cpu.locks, table_lock};
    if (free_threads->empty() || free_processes->empty()) return Error::Again;
    return take_both(cpu, *free_processes->front(), *free_threads->front(), title, manager, parent, guard.token());
}

NewProcess create_process_at(Cpu& cpu, uint32_t process_slot, uint32_t thread_slot, const char* title) {
    TableGuard guard{cpu.locks, table_lock};
    return take_both(cpu, tables.processes[process_slot], tables.threads[thread_slot], title, kNone, kNone, guard.token());
}

Thread& create_worker_at(Cpu& cpu, Process& process, uint32_t slot) {
    TableGuard guard{cpu.locks, table_lock};
    Thread& thread = tables.threads[slot];
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
    TableGuard guard{cpu.locks, table_lock};
    thread.process->state.store(ProcessState::Running, std::memory_order_relaxed);
    launch(cpu, thread, start, guard.token());
}

Result<Process*> find_by_first_thread(Cpu& cpu, Endpoint endpoint) {
    TableGuard guard{cpu.locks, table_lock};
    return find_locked(endpoint, guard.token());
}

Result<void> start_process(Cpu& cpu, Endpoint endpoint, const ThreadStart& start) {
    TableGuard guard{cpu.locks, table_lock};
    Process* process = TRY(find_locked(endpoint, guard.token()));
    if (process->state.load(std::memory_order_relaxed) != ProcessState::Created) return Error::Busy;
    // --- commit point ---
    process->state.store(ProcessState::Running, std::memory_order_relaxed);
    launch(cpu, *process->threads.front(), start, guard.token());
    return {};
}

Result<Endpoint> create_thread(Cpu& cpu, Process& process, const ThreadStart& start) {
    TableGuard guard{cpu.locks, table_lock};
    if (process.state.load(std::memory_order_relaxed) != ProcessState::Running) return Error::Again;
    Thread* thread = free_threads->front();
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
    TableGuard guard{cpu.locks, table_lock};
    Process* process = TRY(find_locked(endpoint, guard.token()));
    if (process->state.load(std::memory_order_relaxed) != ProcessState::Created) return Error::Busy;
    // --- commit point ---
    set_privileges(*process, *process->threads.front(), privileges);
    return {};
}

Result<StoppedProcess> reap_process(Cpu& cpu, const Process& manager) {
    TableGuard guard{cpu.locks, table_lock};
    // Not before its notice has arrived: a manager that comes for another process would take this one and then find its slots
    // still busy. The notice is on its way and makes the manager come again.
    const auto can_be_taken = [&](const Process& stopped) {
        return manages(manager, stopped) &&
               !stopped.notice.out.load(std::memory_order_acquire);  // pairs with on_manager_notice()
    };
    Process* process = stopped_processes->front();
    while (process != nullptr && !can_be_taken(*process)) process = stopped_processes->next(*process);
    if (process == nullptr) return Error::NoChild;
    // --- commit point ---
    stopped_processes->remove(*process);
    process->state.store(ProcessState::Reaped, std::memory_order_relaxed);
    return StoppedProcess{process->first_thread, process->id(), process->status};
}

Result<void> release_process(Cpu& cpu, Endpoint endpoint) {
    TableGuard guard{cpu.locks, table_lock};
    auto found = find_locked(endpoint, guard.token());
    if (!found.ok()) return Error::BadEndpoint;
    Process& process = *found.value();
    const bool ended = process.state.load(std::memory_order_relaxed) == ProcessState::Reaped &&
                       !process.notice.out.load(std::memory_order_acquire) &&  // pairs with on_manager_notice()
                       space::gone(process);
    if (!ended) return Error::Busy;
    // --- commit point ---
    free_thread(*process.threads.front(), guard.token());
    process.name.store(0, std::memory_order_release);  // pairs with find_process()
    process.state.store(ProcessState::Free, std::memory_order_relaxed);
    free_processes->push_back(process);
    --processes_in_use;
    return {};
}

void thread_is_gone(Cpu& cpu, Thread& thread) {
    TableGuard guard{cpu.locks, table_lock};
    thread.stop_was_awaited = thread.stop_posted && !thread.stop_handled;
    if (thread.stop_was_awaited) return;  // on_stop() comes here again
    Process& process = *thread.process;
    const bool last = process.live_threads.fetch_sub(1, std::memory_order_relaxed) == 1;
    if (process.first_thread != full_name(thread)) free_thread(thread, guard.token());
    if (last) process_is_stopped(process, guard.token());
}

bool stop_is_handled(Cpu& cpu, Thread& thread) {
    TableGuard guard{cpu.locks, table_lock};
    thread.stop_handled = true;
    return thread.stop_was_awaited;
}

Error kill_process(Cpu& cpu, Process& process, int64_t status) {
    TableGuard guard{cpu.locks, table_lock};
    const ProcessState state = process.state.load(std::memory_order_relaxed);
    if (state != ProcessState::Created && state != ProcessState::Running) return Error::DeadEndpoint;
    // --- commit point ---
    process.state.store(ProcessState::Dying, std::memory_order_relaxed);
    process.status = status;
    process.threads.for_each([&](Thread& thread) {
        thread.stop_posted = true;
        thread.stop.kind = Mail::Stop;
        post_now(thread.home_cpu(), thread.stop);
    });
    return Error::None;
}

SlotCounts slots_in_use(Cpu& cpu) {
    TableGuard guard{cpu.locks, table_lock};
    return {processes_in_use, threads_in_use};
}

}  // namespace shoal::kernel
