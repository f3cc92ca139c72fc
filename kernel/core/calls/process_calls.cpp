// Kernel calls about processes.
#include <cstring>

#include "abi/kernel_call_dispatch.hpp"
#include "abi/kernel_info.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/process_table.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel::calls {

Result<ProcessCreateResults> process_create(Thread& caller, const ProcessCreateArguments& arguments) {
    char title[17] = {};
    memcpy(title, &arguments.name_low, 8);
    memcpy(title + 8, &arguments.name_high, 8);
    const Endpoint self = caller.process->first_thread;
    const Endpoint manager = arguments.manager == kSelf ? self : arguments.manager;
    const Endpoint parent = arguments.parent == kSelf ? self : arguments.parent;
    const NewProcess created = TRY(create_process(machine::this_cpu(), title, manager, parent));
    return ProcessCreateResults{created.endpoint, created.process};
}

Result<void> process_start(Thread&, const ProcessStartArguments& arguments) {
    if (!arguments.entry.in_user_space() || arguments.stack.raw() > kUserTop) return Error::BadAddress;
    if (!valid_affinity(arguments.cpu)) return Error::BadCpu;
    return start_process(machine::this_cpu(), arguments.endpoint,
                         {arguments.entry, arguments.stack, arguments.argument, 0, arguments.cpu});
}

Result<void> process_kill(Thread&, const ProcessKillArguments& arguments) {
    Cpu& cpu = machine::this_cpu();
    Process* process = TRY(find_by_first_thread(cpu, arguments.endpoint));
    if (slot_of(*process) == kVmSlot) return Error::BadEndpoint;  // nobody's to kill: every fault needs it
    return kill_process(cpu, *process, arguments.status);
}

Result<ProcessReapResults> process_reap(Thread& caller, const ProcessReapArguments&) {
    const StoppedProcess stopped = TRY(reap_process(machine::this_cpu(), *caller.process));
    return ProcessReapResults{stopped.endpoint, stopped.process, stopped.status};
}

Result<void> process_release(Thread&, const ProcessReleaseArguments& arguments) {
    return release_process(machine::this_cpu(), arguments.endpoint);
}

Result<void> privilege_set(Thread& caller, const PrivilegeSetArguments& arguments) {
    Privileges privileges;
    const Error read = space::read_user(caller, &privileges, arguments.privileges, sizeof(privileges));
    if (read != Error::None) return read;
    // The priority of VM's workers is theirs alone: nothing may keep a fault waiting.
    if (privileges.priority == 0 || privileges.priority > kIdlePriority) return Error::Permission;
    return set_privileges(machine::this_cpu(), arguments.endpoint, privileges);
}

Result<void> process_exit(Thread& caller, const ProcessExitArguments& arguments) {
    kill_process(machine::this_cpu(), *caller.process, arguments.status);
    return Error::DoNotReply;
}

Result<uint64_t> process_home(Thread&, const ProcessHomeArguments& arguments) {
    const Process* process = find_process(arguments.process);
    if (process == nullptr) return Error::NoProcess;
    const uint64_t home = tables.threads[process->first_thread.slot()].home_cpu().raw();
    return home < tables.cpus.size() ? home : uint64_t{0};
}

Result<ThreadProcessResults> thread_process(Thread&, const ThreadProcessArguments& arguments) {
    const Thread* thread = find_thread(arguments.thread);
    if (thread == nullptr) return thread_slot(arguments.thread) == nullptr ? Error::BadEndpoint : Error::DeadEndpoint;
    // pairs with name_thread()
    const Process& process = tables.processes[thread->process_slot.load(std::memory_order_acquire)];
    const ThreadProcessResults results{process.first_thread, process.id()};
    if (thread->endpoint() != arguments.thread) return Error::DeadEndpoint;
    return ThreadProcessResults{results};
}

}  // namespace shoal::kernel::calls
