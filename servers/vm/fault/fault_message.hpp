// FaultMessage: words 1..6 of kPageFault and kMemoryRequest (abi/message.hpp).
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

    explicit FaultMessage(const Message& m)
        : thread(m.source()),
          address(m.words[1]),
          flags(m.words[2]),
          sequence(static_cast<uint32_t>(m.words[3])),
          process(static_cast<uint32_t>(m.words[4])),
          bytes(m.words[6]) {}
};

}  // namespace shoal::vm
