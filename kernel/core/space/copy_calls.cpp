// Kernel calls copy, safe_copy_from and safe_copy_to.
//
// A long copy keeps its progress in the caller's own argument registers, as a string instruction does: after kMostPieces the
// call is entered anew with what is left, and interrupts come in between. No state of the kernel can go stale.
#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/space/grants.hpp"

namespace shoal::kernel {

namespace space {

namespace {

constexpr uint64_t kTrapInstructionBytes = 2;  // SYSCALL as well as INT 0x80

// Message words 2 to 5 (abi/message.hpp): from, to and what is left; offset, own address and what is left.
void advance_copy(Registers& r, uint64_t bytes) { r.r8 += bytes, r.r10 += bytes, r.r12 -= bytes; }
void advance_safe_copy(Registers& r, uint64_t bytes) { r.r9 += bytes, r.r10 += bytes, r.r12 -= bytes; }

template <typename Advance>
Result<void> copy_in_pieces(Thread& caller, CopyEnd to, CopyEnd from, uint64_t bytes, OnAbsent absent, Advance advance) {
    const CopyResult result = copy(here(), to, from, bytes, kMostPieces);
    advance(caller.registers, result.bytes);
    if (result.outcome == CopyResult::Outcome::Paused) {
        caller.registers.rip -= kTrapInstructionBytes;
        return Error::DoNotReply;
    }
    return settle_copy(caller, result, to, from, bytes, absent);
}

}  // namespace

}  // namespace space

Result<void> calls::copy(Thread& caller, const CopyArguments& arguments) {
    Process* source = TRY(space::process_named(caller, arguments.source));
    Process* destination = TRY(space::process_named(caller, arguments.destination));
    return space::copy_in_pieces(caller, space::user_end(*destination, arguments.to),
                                 space::user_end(*source, arguments.from), arguments.bytes, space::OnAbsent::AskVm,
                                 space::advance_copy);
}

Result<void> calls::safe_copy_from(Thread& caller, const SafeCopyFromArguments& arguments) {
    const space::GrantedMemory granted = TRY(space::check_grant(
        caller, {arguments.granter, arguments.grant, arguments.offset, arguments.bytes, Grant::kRead}));
    return space::copy_in_pieces(caller, space::user_end(*caller.process, arguments.to),
                                 space::user_end(*granted.owner, granted.address), arguments.bytes, granted.absent,
                                 space::advance_safe_copy);
}

Result<void> calls::safe_copy_to(Thread& caller, const SafeCopyToArguments& arguments) {
    const space::GrantedMemory granted = TRY(space::check_grant(
        caller, {arguments.granter, arguments.grant, arguments.offset, arguments.bytes, Grant::kWrite}));
    return space::copy_in_pieces(caller, space::user_end(*granted.owner, granted.address),
                                 space::user_end(*caller.process, arguments.from), arguments.bytes, granted.absent,
                                 space::advance_safe_copy);
}

}  // namespace shoal::kernel
