#include "kernel/core/space/grants.hpp"

#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/ipc/destination.hpp"
#include "kernel/core/objects/tables.hpp"

namespace shoal::kernel {

namespace space {

namespace {

constexpr unsigned kIndexBits = 20, kSequenceBits = 11;
constexpr uint64_t kMostGrants = uint64_t{1} << kIndexBits;

bool named_by(Thread& caller, Endpoint grantee) {
    return grantee == kAny || grantee == caller.endpoint() || grantee == caller.process->first_thread;
}

bool allows(const Grant& grant, Thread& caller, const GrantUse& use) {
    constexpr uint32_t kNeeded = Grant::kUsed | Grant::kDirect | Grant::kValid;
    if ((grant.flags & kNeeded) != kNeeded) return false;
    if (grant.sequence != use.number >> kIndexBits || !named_by(caller, grant.grantee)) return false;
    const uint32_t right = use.access == Access::Read ? Grant::kRead : Grant::kWrite;
    if ((grant.flags & right) == 0) return false;
    if (use.bytes > grant.bytes || use.offset > grant.bytes - use.bytes) return false;
    return grant.bytes <= kUserTop && grant.address <= kUserTop - grant.bytes;
}

// The two halves of the table's description may be torn when another thread registers a new one meanwhile; whatever is
// read then is still the granter's own memory, and fails the checks of an entry or is one.
Result<VirtualAddress> entry_address(const Process& granter, uint64_t number) {
    const uint64_t index = number & (kMostGrants - 1);
    // acquire pairs with grant_table(): the table's address is written before its count
    if (index >= granter.grant_count.load(std::memory_order_acquire)) return Error::Permission;
    return VirtualAddress{granter.grant_table.load(std::memory_order_relaxed) + index * sizeof(Grant)};
}

}  // namespace

Result<Process*> process_named(Thread& caller, Endpoint name) {
    if (name == kSelf) return caller.process;
    const Thread* thread = find_thread(name);
    if (thread == nullptr) {
        const Error error = why_not_found(name);
        return error == Error::Invalid ? Error::BadEndpoint : error;
    }
    // acquire pairs with name_thread(). The thread may die at any moment; its slot must not have another by now.
    const uint32_t slot = thread->process_slot.load(std::memory_order_acquire);
    if (thread->endpoint() != name) return Error::DeadEndpoint;
    return &tables.processes[slot];
}

Result<GrantedMemory> check_grant(Thread& caller, const GrantUse& use) {
    if (use.number >> (kIndexBits + kSequenceBits) != 0 || use.granter.raw() >> 31 != 0) return Error::Invalid;
    Process* granter = TRY(process_named(caller, use.granter));
    const VirtualAddress address = TRY(entry_address(*granter, use.number));
    Grant grant;
    const Error error =
        copy_now(caller, CopyEnd::kernel(&grant), user_end(*granter, address), sizeof(grant), OnAbsent::AskVm);
    if (error != Error::None) return error;
    if (!allows(grant, caller, use)) return Error::Permission;
    return GrantedMemory{granter, VirtualAddress{grant.address} + use.offset,
                         (grant.flags & Grant::kTry) != 0 ? OnAbsent::Fail : OnAbsent::AskVm};
}

}  // namespace space

Result<void> calls::grant_table(Thread& caller, const GrantTableArguments& arguments) {
    const auto [address, count] = arguments;
    if (count > space::kMostGrants || address.raw() % alignof(Grant) != 0) return Error::Invalid;
    if (!UserPointer<Grant>{address.raw()}.plausible(count)) return Error::BadAddress;
    // --- commit point ---
    Process& process = *caller.process;
    process.grant_count.store(0, std::memory_order_relaxed);
    process.grant_table.store(address.raw(), std::memory_order_release);
    process.grant_count.store(count, std::memory_order_release);  // pairs with entry_address()
    return {};
}

}  // namespace shoal::kernel
