#include "kernel/core/space/memory_request.hpp"

#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/tables.hpp"

namespace shoal::kernel::space {

namespace {

// VM maps all that is still to be copied on that side, so that a long copy asks once.
void ask_vm(Thread& caller, const CopyResult& result, CopyEnd missing, uint64_t bytes) {
    FaultRecord& fault = caller.fault;
    fault.type = kMemoryRequest;
    fault.address = result.address;
    fault.flags = result.fault_flags;
    fault.process = tables.processes[missing.slot().raw()].id();
    fault.bytes = bytes - result.bytes;
    fault.requester = caller.process->id();
    hand_to_worker(machine::this_cpu(), caller);
}

}  // namespace

CpuSpaces& here() { return *machine::this_cpu().spaces; }

CopyEnd user_end(const Process& process, VirtualAddress address) {
    return CopyEnd::user(SpaceSlot{slot_of(process)}, address);
}

Error settle_copy(Thread& caller, const CopyResult& result, CopyEnd to, CopyEnd from, uint64_t bytes, OnAbsent absent) {
    if (result.outcome == CopyResult::Outcome::Copied) return Error::None;
    const bool may_wait = absent == OnAbsent::AskVm && !caller.is(kWorker);
    if (result.outcome != CopyResult::Outcome::Absent || !may_wait) return Error::BadAddress;
    const CopyEnd missing = result.side == Side::Source ? from : to;
    if (missing.slot().raw() == kVmSlot) return Error::BadAddress;  // VM's own memory never faults
    ask_vm(caller, result, missing, bytes);
    return Error::DoNotReply;
}

Error copy_now(Thread& caller, CopyEnd to, CopyEnd from, uint64_t bytes, OnAbsent absent) {
    return settle_copy(caller, copy(here(), to, from, bytes, kUnlimitedPieces), to, from, bytes, absent);
}

}  // namespace shoal::kernel::space
