// What a VM worker is told about a thread that it has in hand: a page fault, or a request of a kernel call.
#pragma once

#include <cstdint>

#include "abi/message.hpp"
#include "base/address.hpp"

namespace shoal::kernel {

struct FaultRecord {
    uint32_t type = 0;      // kPageFault, kMemoryRequest, or what abi/message.hpp has beside them; address and flags are as it says
    uint32_t sequence = 0;  // grows with each; a Resume with another number is stale
    VirtualAddress address;
    uint64_t flags = 0;     // FaultFlags
    ProcessId process;      // the space concerned (a memory request may be about another process)
    uint64_t bytes = 0;     // requests only
    ProcessId requester;    // likewise: whose thread it is

    [[nodiscard]] Message message(Endpoint thread, uint64_t instruction_pointer) const {
        return {{type | uint64_t{thread.raw()} << 32, address.raw(), flags, sequence, process.raw(), instruction_pointer,
                 bytes, requester.raw()}};
    }
};

}  // namespace shoal::kernel
