// The 64-byte message, and the registers in which it travels.
//
// register   RSI                         RDX    R8     R9     R10    R12    R13    R14
// word       0: type | source << 32      1      2      3      4      5      6      7
//
// The kernel fills the source; a reply carries 0 or a negated error as its type, read as a signed number.
#pragma once

#include <cstdint>

#include "abi/endpoint.hpp"
#include "base/error.hpp"

namespace shoal {

struct Message {
    uint64_t words[8] = {};

    [[nodiscard]] constexpr uint32_t type() const { return static_cast<uint32_t>(words[0]); }
    [[nodiscard]] constexpr Endpoint source() const {
        return Endpoint{static_cast<uint32_t>(words[0] >> 32)};
    }
    constexpr void set_type(uint32_t type) { words[0] = (words[0] & ~uint64_t{0xffff'ffff}) | type; }
    constexpr void set_source(Endpoint source) {
        words[0] = uint64_t{source.raw()} << 32 | type();
    }
    // A reply's outcome: None if its type is not negative.
    [[nodiscard]] constexpr Error outcome() const {
        return from_register(static_cast<int32_t>(type()));
    }
    constexpr void set_outcome(Error error) {
        set_type(static_cast<uint32_t>(static_cast<int32_t>(to_register(error))));
    }
};
static_assert(sizeof(Message) == 64);

// Message types. Requests to one server share a base, so that one number never means two things.
inline constexpr uint32_t kVmCallBase = 0xC00;
inline constexpr uint32_t kRsCallBase = 0x700;
inline constexpr uint32_t kPmCallBase = 0x100;
inline constexpr uint32_t kNotifyBase = 0x1000;  // notifications: kNotifyBase, word 1 = time stamp [ns]

// From the kernel to a VM worker (source = the thread concerned, status has kFromKernel).
// words: 1 address, 2 FaultFlags, 3 sequence, 4 ProcessId of the space concerned, 5 instruction pointer,
//        6 length in bytes, 7 ProcessId of the thread (memory requests only)
inline constexpr uint32_t kPageFault = 0xCFF;
inline constexpr uint32_t kMemoryRequest = 0xCFE;
// What safemap, safeunmap and saferevmap ask for. words as a memory request's, but for
//   map     1 address in the other space, 2 address in the thread's own | MapMode (abi/grant.hpp), 4 that space; by which grants: kernel call
//           grant_path
//   unmap   1 address, as a map's word 5 has been
//   revoke  1 number of a grant of the thread's process
inline constexpr uint32_t kMapRequest = 0xCFA;
inline constexpr uint32_t kUnmapRequest = 0xCF9;
inline constexpr uint32_t kRevokeRequest = 0xCF8;
// A posted flush is done everywhere. word 1: the cookie given to the Flush call. source = kKernel
inline constexpr uint32_t kFlushDone = 0xCFD;
// Another VM worker left work for this one. source = kKernel
inline constexpr uint32_t kWorkerCalled = 0xCFC;
// No CPU has the space loaded any more and its upper tables are gone. word 1: ProcessId. source = kKernel
inline constexpr uint32_t kSpaceGone = 0xCFB;

// Who calls VM: the kernel puts this into word 7 of every message sent to kVm, over what the sender left there. Low half: the
// sender's ProcessId; kVmCallAllowed: the sender's vm_call_mask has the bit of this call (type - kVmCallBase).
inline constexpr unsigned kVmCallerWord = 7;
inline constexpr uint64_t kVmCallAllowed = uint64_t{1} << 32;

// Page-fault error code as the CPU gives it (SDM vol. 3A, 4.7), and ours above it.
enum FaultFlags : uint64_t {
    kFaultPresent = 1 << 0,
    kFaultWrite = 1 << 1,
    kFaultUser = 1 << 2,
    kFaultReserved = 1 << 3,
    kFaultFetch = 1 << 4,
};

}  // namespace shoal
