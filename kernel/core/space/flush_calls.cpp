// Kernel calls flush, unlink and space_destroy.
#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/space/cpu_spaces.hpp"
#include "kernel/core/space/memory_request.hpp"
#include "kernel/core/space/setup.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace space {

namespace {

bool sound(const FlushRequest& request) {
    if (request.count == FlushRequest::kFlushAll) return true;
    if (request.count > FlushRequest::kMaxRanges) return false;
    for (uint32_t i = 0; i < request.count; ++i) {
        const VirtualRange& range = request.ranges[i];
        if (!range.start.page_aligned() || !range.end.page_aligned()) return false;
        if (range.start > range.end || range.end.raw() > kUserTop) return false;
    }
    return true;
}

// VM's own space is never flushed: it does not change.
Result<SpaceSlot> space_of(ProcessId id) {
    if (find_process(id) == nullptr || id.slot() == kVmSlot) return Error::NoProcess;
    return SpaceSlot::of(id);
}

Message completion(uint32_t type, uint64_t word) {
    Message message;
    message.set_type(type);
    message.set_source(kKernel);
    message.words[1] = word;
    return message;
}

Result<uint64_t> flush(Thread& caller, VirtualAddress address, FlushKind kind) {
    FlushRequest request;
    if (const Error error = read_user(caller, &request, address, sizeof(request)); error != Error::None) return error;
    if (!sound(request)) return Error::BadAddress;
    const SpaceSlot slot = TRY(space_of(request.process));
    FlushBatch* batch = here().new_batch();
    if (batch == nullptr) {
        // What VM knows to be this CPU's alone it has freed already: nothing of the space runs here before it is flushed.
        if (request.cpus.contains(machine::this_cpu().id)) here().flush_later(slot);
        return Error::Again;
    }
    // --- commit point ---
    batch->kind = kind;
    batch->slot = slot;
    batch->count = request.count;
    for (uint32_t i = 0; i < FlushRequest::kMaxRanges; ++i) batch->ranges[i] = request.ranges[i];
    batch->done.message = completion(kFlushDone, request.cookie);
    return uint64_t{here().post(*batch, request.cpus)};
}

}  // namespace

}  // namespace space

Result<uint64_t> calls::flush(Thread& caller, const FlushArguments& arguments) {
    return space::flush(caller, arguments.request, space::FlushKind::Flush);
}

Result<uint64_t> calls::unlink(Thread& caller, const UnlinkArguments& arguments) {
    return space::flush(caller, arguments.request, space::FlushKind::Unlink);
}

Result<void> calls::space_destroy(Thread&, const SpaceDestroyArguments& arguments) {
    const space::SpaceSlot slot = TRY(space::space_of(arguments.process));
    const ProcessState state = tables.processes[slot.raw()].state.load(std::memory_order_acquire);  // pairs with its end
    if (state != ProcessState::Stopped && state != ProcessState::Reaped) return Error::Busy;
    space::FlushBatch* batch = space::here().new_batch();
    if (batch == nullptr) return Error::Busy;
    // --- commit point ---
    // pairs with CpuSpaces::make_root(): no CPU makes a root that the batch does not reach
    space::shared_spaces().of(slot).closed.store(arguments.process.raw(), std::memory_order_seq_cst);
    batch->kind = space::FlushKind::Destroy;
    batch->slot = slot;
    batch->count = FlushRequest::kFlushAll;
    batch->done.message = space::completion(kSpaceGone, arguments.process.raw());
    if (space::here().post(*batch, CpuSet::first(kMaxCpus))) {
        space::here().keep(*batch);
        on_worker_message(machine::this_cpu(), batch->done);
    }
    return {};
}

}  // namespace shoal::kernel
