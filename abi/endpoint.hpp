// Endpoint: the name of a thread. Slot in the low 15 bits, generation above it, so that a dead thread's name is not reused
// before 65,535 others had its slot. A process is named by the endpoint of its first thread.
#pragma once

#include <cstdint>

#include "base/strong.hpp"

namespace shoal {

inline constexpr unsigned kEndpointSlotBits = 15;

class Endpoint : public Strong<struct EndpointTag, uint32_t> {
  public:
    using Strong::Strong;
    static constexpr Endpoint of(uint32_t slot, uint16_t generation) {
        return Endpoint{uint32_t{generation} << kEndpointSlotBits | slot};
    }
    [[nodiscard]] constexpr uint32_t slot() const {
        return raw() & ((1u << kEndpointSlotBits) - 1);
    }
    [[nodiscard]] constexpr uint16_t generation() const {
        return static_cast<uint16_t>(raw() >> kEndpointSlotBits);
    }
};

// Reserved names: bit 31 set, never a thread's.
inline constexpr Endpoint kAny{0x8000'0000};     // receive from anyone
inline constexpr Endpoint kNone{0x8000'0001};    // no one
inline constexpr Endpoint kSelf{0x8000'0002};    // the caller
inline constexpr Endpoint kKernel{0x8000'0003};  // source of the kernel's own messages
inline constexpr Endpoint kClock{0x8000'0004};   // source of alarms
inline constexpr Endpoint kAsync{0x8000'0005};   // source of the news that asynchronous messages are done
// Per-CPU servers: the kernel hands the message to the server's worker on the sender's CPU.
inline constexpr Endpoint kVm{0x8000'0010};

// Well-known processes: first generation of fixed slots, in boot order.
inline constexpr uint32_t kRsSlot = 1, kPmSlot = 2;
inline constexpr Endpoint kRs = Endpoint::of(kRsSlot, 1);
inline constexpr Endpoint kPm = Endpoint::of(kPmSlot, 1);

// A process slot and its generation; VM's tables are indexed by the same slot as the kernel's.
class ProcessId : public Strong<struct ProcessIdTag, uint32_t> {
  public:
    using Strong::Strong;
    static constexpr ProcessId of(uint32_t slot, uint16_t generation) {
        return ProcessId{uint32_t{generation} << kEndpointSlotBits | slot};
    }
    [[nodiscard]] constexpr uint32_t slot() const {
        return raw() & ((1u << kEndpointSlotBits) - 1);
    }
    [[nodiscard]] constexpr uint16_t generation() const {
        return static_cast<uint16_t>(raw() >> kEndpointSlotBits);
    }
};

}  // namespace shoal
