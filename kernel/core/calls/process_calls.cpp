// Kernel calls about processes.
#include <algorithm>
#include <cstring>

#include "abi/kernel_call_dispatch.hpp"
#include "abi/kernel_info.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/device_memory.hpp"
#include "kernel/core/objects/hold.hpp"
#include "kernel/core/objects/process_swap.hpp"
#include "kernel/core/objects/process_table.hpp"
#include "kernel/core/objects/stopped_children.hpp"
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

Result<uint64_t> process_stop(Thread& caller, const ProcessStopArguments& arguments) {
    return stop_process(machine::this_cpu(), *caller.process, arguments.endpoint);
}

Result<void> process_resume(Thread&, const ProcessResumeArguments& arguments) {
    return resume_process(machine::this_cpu(), arguments.endpoint);
}

Result<Endpoint> process_swap(Thread&, const ProcessSwapArguments& arguments) {
    if (arguments.only_try > 1) return Error::Invalid;
    const SwapDepth depth = arguments.only_try != 0 ? SwapDepth::Try : SwapDepth::Whole;
    return swap_processes(machine::this_cpu(), arguments.source, arguments.destination, arguments.asker, depth);
}

Result<ProcessReapResults> process_reap(Thread& caller, const ProcessReapArguments&) {
    const StoppedProcess stopped = TRY(reap_process(machine::this_cpu(), *caller.process));
    return ProcessReapResults{stopped.endpoint, stopped.process, stopped.status};
}

Result<void> process_release(Thread&, const ProcessReleaseArguments& arguments) {
    return release_process(machine::this_cpu(), arguments.endpoint);
}

namespace {

// What somebody has who may not give it, bit for bit.
bool exceed(const Privileges& given, const Privileges& own) {
    uint64_t more = (given.trap_mask & ~own.trap_mask) | (given.vm_call_mask & ~own.vm_call_mask);
    for (unsigned i = 0; i < Privileges::kSendWords; ++i) more |= given.send_mask[i] & ~own.send_mask[i];
    for (unsigned i = 0; i < std::size(given.kernel_call_mask); ++i) more |= given.kernel_call_mask[i] & ~own.kernel_call_mask[i];
    const auto owned = [&](FrameRange range) {
        return range.count == 0 || std::ranges::any_of(own.device_memory, [&](FrameRange had) { return is_within(range, had); });
    };
    const bool better = given.priority < own.priority || (given.flags & ~own.flags) != 0;
    return more != 0 || better || !std::ranges::all_of(given.device_memory, owned);
}

}  // namespace

Result<void> privilege_set(Thread& caller, const PrivilegeSetArguments& arguments) {
    Privileges privileges;
    const Error read = space::read_user(caller, &privileges, arguments.privileges, sizeof(privileges));
    if (read != Error::None) return read;
    // The priority of VM's workers is theirs alone: nothing may keep a fault waiting.
    if (privileges.priority == 0 || privileges.priority > kIdlePriority) return Error::Permission;
    if (exceed(privileges, caller.process->privileges)) return Error::Permission;
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

Result<void> device_memory(Thread&, const DeviceMemoryArguments& arguments) {
    const Process* process = find_process(arguments.process);
    if (process == nullptr) return Error::NoProcess;
    const FrameRange frames{FrameNumber::of(arguments.start), PageCount::covering(arguments.bytes).raw()};
    return may_map(process->privileges, frames) ? Result<void>{} : Error::Permission;
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
