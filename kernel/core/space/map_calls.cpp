// Kernel calls safemap, safeunmap, saferevmap and grant_path.
//
// The kernel checks the grants and hands the caller to VM, which does the rest (servers/vm/joint) and lets it go on. A grant may be taken back
// between the check and VM's entering of the mapping, and then nobody would find it: so VM enters it first, and asks by grant_path whether
// the grants still are what they were.
#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/space/grants.hpp"

namespace shoal::kernel {

namespace space {

namespace {

constexpr uint64_t kModeMask = kPageSize - 1;

// What the caller does with the memory. Error: Invalid.
Result<uint32_t> rights_for(uint64_t mode) {
    if (mode > static_cast<uint64_t>(MapMode::SharedWritable)) return Error::Invalid;
    return Grant::kMap | Grant::kRead | (static_cast<MapMode>(mode) == MapMode::SharedWritable ? uint32_t{Grant::kWrite} : 0u);
}

Result<GrantedMemory> check_map(Thread& caller, const calls::SafemapArguments& arguments, OnAbsent on_absent_entry) {
    const uint32_t rights = TRY(rights_for(arguments.mode));
    if ((arguments.address.raw() & kModeMask) != 0) return Error::Invalid;
    return check_grant(caller, {arguments.granter, arguments.grant, arguments.offset, arguments.bytes, rights}, on_absent_entry);
}

// VM's workers have nobody to ask.
Error ask_for(Thread& caller, uint32_t type, VirtualAddress address, uint64_t flags, ProcessId process, uint64_t bytes) {
    if (caller.is(kWorker)) return Error::Permission;
    FaultRecord& record = caller.fault;
    record.type = type;
    record.address = address;
    record.flags = flags;
    record.process = process;
    record.bytes = bytes;
    record.requester = caller.process->id();
    hand_to_worker(machine::this_cpu(), caller);
    return Error::DoNotReply;
}

}  // namespace

}  // namespace space

Result<void> calls::safemap(Thread& caller, const SafemapArguments& arguments) {
    const space::GrantedMemory memory = TRY(space::check_map(caller, arguments, space::OnAbsent::AskVm));
    return space::ask_for(caller, kMapRequest, memory.address, arguments.address.raw() | arguments.mode, memory.owner->id(), arguments.bytes);
}

Result<void> calls::safeunmap(Thread& caller, const SafeunmapArguments& arguments) {
    return space::ask_for(caller, kUnmapRequest, arguments.address, 0, caller.process->id(), 0);
}

Result<void> calls::saferevmap(Thread& caller, const SaferevmapArguments& arguments) {
    if (arguments.grant >> 31 != 0) return Error::Invalid;
    return space::ask_for(caller, kRevokeRequest, VirtualAddress{arguments.grant}, 0, caller.process->id(), 0);
}

// The thread stands in its call, and its registers say what it wants.
Result<calls::GrantPathResults> calls::grant_path(Thread&, const GrantPathArguments& arguments) {
    Thread* thread = find_thread(arguments.thread);
    const auto sequence = static_cast<uint32_t>(arguments.sequence);
    if (thread == nullptr || !is_in_hand(machine::this_cpu(), *thread, sequence) || thread->fault.type != kMapRequest) return Error::Again;
    const Result<space::GrantedMemory> checked =
        space::check_map(*thread, SafemapArguments::of(thread->registers.message()), space::OnAbsent::Fail);
    if (!checked.ok()) return checked.error() == Error::BadAddress ? Error::Again : checked.error();
    const space::GrantedMemory& memory = checked.value();
    if (memory.owner->id() != thread->fault.process || memory.address != thread->fault.address) return Error::Again;
    const GrantPath& path = memory.path;
    return GrantPathResults{path.length,           path.grants[0].raw(), path.grants[1].raw(),
                            path.grants[2].raw(), path.grants[3].raw(), path.grants[4].raw()};
}

}  // namespace shoal::kernel
