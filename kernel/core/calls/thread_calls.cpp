// Kernel calls about threads.
#include "abi/kernel_call_dispatch.hpp"
#include "abi/kernel_info.hpp"
#include "kernel/core/ipc/destination.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/process_table.hpp"
#include "kernel/core/sched/migration.hpp"
#include "kernel/core/sched/scheduler.hpp"
#include "kernel/core/sched/switch.hpp"
#include "kernel/core/space_interface.hpp"
#include "kernel/core/wait/wait_table.hpp"

namespace shoal::kernel::calls {

Result<Endpoint> thread_create(Thread& caller, const ThreadCreateArguments& arguments) {
    const bool plausible = arguments.entry.in_user_space() && arguments.stack.raw() <= kUserTop && arguments.tls < kUserTop;
    if (!plausible) return Error::BadAddress;
    if (!valid_affinity(arguments.cpu)) return Error::BadCpu;
    return create_thread(machine::this_cpu(), *caller.process,
                         {arguments.entry, arguments.stack, arguments.argument, arguments.tls, arguments.cpu});
}

Result<void> thread_exit(Thread& caller, const ThreadExitArguments& arguments) {
    Cpu& cpu = machine::this_cpu();
    if (arguments.clear.raw() != 0) {
        const uint32_t zero = 0;
        const Error error = space::write_user(caller, arguments.clear, &zero, sizeof(zero));
        if (error == Error::DoNotReply) return error;
        // An address that cannot be written wakes nobody; the thread ends all the same.
        if (error == Error::None) wake_word(cpu, *caller.process, arguments.clear, 1);
    }
    end_thread(cpu, caller);
    return Error::DoNotReply;
}

Result<void> thread_affinity(Thread& caller, const ThreadAffinityArguments& arguments) {
    Cpu& cpu = machine::this_cpu();
    if (!valid_affinity(arguments.cpu)) return Error::BadCpu;
    if (caller.is(kWorker)) return Error::Permission;
    const Endpoint name = arguments.endpoint == kSelf ? caller.endpoint() : arguments.endpoint;
    Thread* target = find_thread(name);
    if (target == nullptr) return why_not_found(name);
    if (target->process_slot.load(std::memory_order_acquire) != slot_of(*caller.process))  // pairs with name_thread()
        return Error::Permission;
    // --- commit point ---
    if (is_home(cpu, *target)) {
        apply_affinity(cpu, *target, arguments.cpu);
        return {};
    }
    caller.request.value = arguments.cpu;
    ask(cpu, caller, *target, name, Mail::Affinity);
    return Error::DoNotReply;
}

Result<void> thread_tls(Thread& caller, const ThreadTlsArguments& arguments) {
    if (arguments.base >= kUserTop) return Error::BadAddress;
    Cpu& cpu = machine::this_cpu();
    take_bases(cpu, caller);  // a worker runs with another's
    machine::save_bases(caller.bases);
    caller.bases.fs = arguments.base;
    machine::load_bases(caller.bases);
    return {};
}

Result<void> thread_yield(Thread&, const ThreadYieldArguments&) {
    yield_current(machine::this_cpu());
    return {};
}

}  // namespace shoal::kernel::calls
