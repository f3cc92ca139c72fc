#include "kernel/core/space/grants.hpp"

#include "abi/kernel_call_dispatch.hpp"
#include "abi/privileges.hpp"
#include "kernel/core/ipc/destination.hpp"
#include "kernel/core/objects/tables.hpp"

namespace shoal::kernel {

namespace space {

namespace {

constexpr unsigned kIndexBits = 20, kSequenceBits = 11;
constexpr uint64_t kMostGrants = uint64_t{1} << kIndexBits;

// Who uses a grant: a thread, or a process that has passed it on.
struct Grantee {
    Endpoint thread;
    const Process& process;
    [[nodiscard]] bool is_named_by(Endpoint name) const { return name == kAny || name == thread || name == process.first_thread; }
};

bool allows(const Grant& grant, const Grantee& grantee, const GrantUse& use) {
    constexpr uint32_t kUsable = Grant::kUsed | Grant::kValid;
    if ((grant.flags & kUsable) != kUsable || (grant.flags & use.rights) != use.rights) return false;
    if (grant.sequence != use.number >> kIndexBits || !grantee.is_named_by(grant.grantee)) return false;
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

namespace {

Result<void> check_name(Endpoint granter, uint64_t number) {
    if (number >> (kIndexBits + kSequenceBits) != 0 || granter.raw() >> 31 != 0) return Error::Invalid;
    return {};
}

Result<Grant> read_grant(Thread& caller, const Process& granter, uint64_t number, OnAbsent absent) {
    const VirtualAddress address = TRY(entry_address(granter, number));
    Grant grant;
    const Error error = copy_now(caller, CopyEnd::kernel(&grant), user_end(granter, address), sizeof(grant), absent);
    if (error != Error::None) return error;
    return grant;
}

bool passes_on(const Grant& grant) { return (grant.flags & (Grant::kDirect | Grant::kIndirect | Grant::kMagic)) == Grant::kIndirect; }

// Whose memory a grant is about that passes nothing on. Permission: none of these kinds, or more than one.
Result<Process*> owner_of(Thread& caller, const Grant& grant, Process& granter) {
    const uint32_t kind = grant.flags & (Grant::kDirect | Grant::kIndirect | Grant::kMagic);
    if (kind == Grant::kDirect) return &granter;
    if (kind != Grant::kMagic || (granter.privileges.flags & kMagicGrants) == 0 || grant.other == kSelf) return Error::Permission;
    return process_named(caller, grant.other);
}

}  // namespace

// From grant to grant: who has passed one on is the grantee of the next.
Result<GrantedMemory> check_grant(Thread& caller, const GrantUse& use, OnAbsent on_absent_entry) {
    GrantedMemory memory{nullptr, {}, OnAbsent::AskVm, {}};
    Endpoint thread = caller.endpoint();
    const Process* process = caller.process;
    for (GrantUse step = use; memory.path.length < kMostGrantsInPath;) {
        TRY(check_name(step.granter, step.number));
        Process* granter = TRY(process_named(caller, step.granter));
        const Grant grant = TRY(read_grant(caller, *granter, step.number, on_absent_entry));
        if (!allows(grant, {thread, *process}, step)) return Error::Permission;
        memory.path.grants[memory.path.length++] = {granter->id(), static_cast<uint32_t>(step.number)};
        if ((grant.flags & Grant::kTry) != 0) memory.absent = OnAbsent::Fail;
        const uint64_t place = grant.address + step.offset;
        if (!passes_on(grant)) {
            memory.owner = TRY(owner_of(caller, grant, *granter));
            memory.address = VirtualAddress{place};
            return memory;
        }
        step = {grant.other, grant.passed_on, place, step.bytes, step.rights};
        thread = granter->first_thread;
        process = granter;
    }
    return Error::Loop;
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
