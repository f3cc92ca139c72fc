#include "kernel/core/objects/stopped_children.hpp"

#include "abi/kernel_info.hpp"
#include "kernel/core/ipc/notify.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

namespace {

void add_child(Cpu& cpu, Process& manager, Process& stopped) {
    ProcessGuard guard{cpu.locks, manager.lock};
    manager.stopped_children.push_back(stopped);
}

Process* take_child(Cpu& cpu, Process& manager) {
    ProcessGuard guard{cpu.locks, manager.lock};
    return manager.stopped_children.pop_front();
}

}  // namespace

void tell_manager(Process& stopped) {
    Endpoint manager = stopped.manager;
    if (find_thread(manager) == nullptr) manager = kRs;
    Thread* thread = find_thread(manager);
    if (thread == nullptr || thread->home.load(std::memory_order_relaxed) >= tables.cpus.size()) return;
    stopped.notice.kind = Mail::ManagerNotice;
    stopped.notice.target = manager;
    post_now(thread->home_cpu(), stopped.notice);
}

void pass_on_children(Process& manager, const ProcessHeld&) {
    while (Process* child = manager.stopped_children.pop_front()) tell_manager(*child);
}

void on_manager_notice(Cpu& cpu, MailNode& notice) {
    Process& stopped = *owner_of<Process, MailNode, &Process::notice>(&notice);
    Thread* manager = find_thread(notice.target);
    if (manager == nullptr) return tell_manager(stopped);  // it has ended meanwhile
    if (!is_home(cpu, *manager)) return post_now(manager->home_cpu(), notice);
    add_child(cpu, *manager->process, stopped);
    notify_special(cpu, *manager, kFromKernelItself);
}

Result<StoppedProcess> reap_process(Cpu& cpu, Process& manager) {
    Process* process = take_child(cpu, manager);
    if (process == nullptr) return Error::NoChild;
    // --- commit point ---
    ProcessGuard guard{cpu.locks, process->lock};
    process->state.store(ProcessState::Reaped, std::memory_order_relaxed);
    return StoppedProcess{process->first_thread, process->id(), process->status};
}

}  // namespace shoal::kernel
