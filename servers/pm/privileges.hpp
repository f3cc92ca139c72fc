// What an ordinary program may do.
#pragma once

#include "abi/privileges.hpp"

namespace shoal::pm {

// Traps: all but those for system processes. It may send to VM, to PM and to other programs; not to RS or other servers. Of
// the kernel calls those open to all, of the VM calls likewise.
constexpr Privileges user_privileges() {
    Privileges privileges{};
    privileges.trap_mask = trap_bit(Trap::Send) | trap_bit(Trap::Receive) |
                           trap_bit(Trap::SendReceive) | trap_bit(Trap::SendNonBlocking) |
                           trap_bit(Trap::ReplyReceive) | trap_bit(Trap::KernelCall);
    for (uint64_t& word : privileges.send_mask) word = ~uint64_t{0};
    privileges.send_mask[0] &= ~(uint64_t{1} << kRsSlot);
    privileges.manager = kPm;
    privileges.priority = kUserPriority;
    return privileges;
}

}  // namespace shoal::pm
