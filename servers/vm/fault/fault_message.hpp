// FaultMessage: words 1..7 of kPageFault and kMemoryRequest (abi/message.hpp).
#pragma once

#include "abi/message.hpp"
#include "base/address.hpp"

namespace shoal::vm {

struct FaultMessage {
    Endpoint thread;
    VirtualAddress address;
    uint64_t flags;
    uint32_t sequence;
    ProcessId process;
    uint64_t bytes;
    ProcessId requester;  // whose thread it is

    explicit FaultMessage(const Message& m)
        : thread(m.source()),
          address(m.words[1]),
          flags(m.words[2]),
          sequence(static_cast<uint32_t>(m.words[3])),
          process(static_cast<uint32_t>(m.words[4])),
          bytes(m.words[6]),
          requester(m.type() == kMemoryRequest ? ProcessId{static_cast<uint32_t>(m.words[7])} : process) {}
};

}  // namespace shoal::vm
