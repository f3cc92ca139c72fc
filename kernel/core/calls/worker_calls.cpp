// Kernel calls of VM's workers about themselves.
#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel::calls {

Result<void> worker_ready(Thread& caller, const WorkerReadyArguments& arguments) {
    Cpu& cpu = machine::this_cpu();
    if (!caller.is(kWorker) || cpu.worker != nullptr) return Error::Invalid;
    const Error error = space::set_worker_epoch(cpu, caller, arguments.epoch);
    if (error != Error::None) return error;
    // --- commit point ---
    cpu.worker = &caller;
    if (!cpu.worker_messages.empty()) caller.pending |= kPendingFromKernel;
    return {};
}

Result<void> worker_call(Thread&, const WorkerCallArguments& arguments) {
    if (arguments.cpu >= tables.cpus.size()) return Error::BadCpu;
    Cpu& target = tables.cpus[arguments.cpu];
    // Calls not yet received melt into one. Acquire pairs with the store when it is received.
    if (target.worker_call.pending.exchange(true, std::memory_order_acq_rel)) return {};
    target.worker_call.message = Message{{kWorkerCalled | uint64_t{kKernel.raw()} << 32, 0, 0, 0, 0, 0, 0, 0}};
    send_to_worker(target.id, target.worker_call);
    return {};
}

}  // namespace shoal::kernel::calls
