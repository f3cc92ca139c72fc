// Grants: a process lets one other read, write or map a range of memory. The table lies in the granter's own memory; the kernel reads an
// entry at each use, so that taking a grant back is one store (what has been mapped by it: saferevmap).
//
// What is granted:
//   kDirect    the granter's own addresses
//   kIndirect  a part of what another process has granted to the granter, who passes it on: [address, address + bytes) counts from the
//              start of that grant. A use follows the chain, and each of its grants has to allow it
//   kMagic     another process' addresses; only of granters whose privileges say so (kMagicGrants)
#pragma once

#include <cstdint>

#include "abi/endpoint.hpp"

namespace shoal {

struct Grant {
    enum Flags : uint32_t {
        kRead = 1,
        kWrite = 2,
        kMap = 4,        // safemap, too, as kRead and kWrite say
        kTry = 0x10,     // an absent page fails the copy
        kUsed = 0x100,
        kDirect = 0x200,
        kIndirect = 0x400,
        kMagic = 0x800,
        kValid = 0x1000,
    };
    uint32_t flags;
    uint32_t sequence;      // the grant's number is sequence << 20 | index
    Endpoint grantee;
    Endpoint other;         // kIndirect: who has granted the memory; kMagic: whose it is
    uint64_t address, bytes;
    uint64_t passed_on = 0;  // kIndirect: the number of that grant
};
static_assert(sizeof(Grant) == 40);

inline constexpr uint32_t kMostGrantsInPath = 5;  // that one use goes through

// A grant, and whose it is.
struct GrantName {
    ProcessId granter{};
    uint32_t number = 0;
    [[nodiscard]] constexpr uint64_t raw() const { return uint64_t{granter.raw()} << 32 | number; }
    static constexpr GrantName from_raw(uint64_t raw) { return {ProcessId{static_cast<uint32_t>(raw >> 32)}, static_cast<uint32_t>(raw)}; }
};

// The grants that one use goes through: the one that was named first, the owner's last.
struct GrantPath {
    GrantName grants[kMostGrantsInPath];
    uint32_t length = 0;
};

// How one process has memory of another's.
enum class MapMode : uint8_t {
    CopyOnWrite,     // as it is now; who writes gets a copy of his own
    SharedReadOnly,  // the same memory, to be read
    SharedWritable,
};

// One message of a senda table (trap SendAsync): the kernel sets result and then kDone when it has been taken. The table is
// aligned to 8 bytes and belongs to the kernel until all its entries are done; another SendAsync replaces it.
struct AsyncEntry {
    static constexpr uint32_t kMostEntries = 256;  // of a table
    enum Flags : uint32_t {
        kValid = 1,         // an entry without is skipped and must be 0
        kDone = 2,          // the kernel's; an entry that comes with it is skipped
        kNotify = 4,        // a notification from kAsync when it is done
        kNoReply = 8,       // must not answer a SendReceive
        kNotifyError = 16,  // a notification from kAsync if it failed
    };
    uint32_t flags;
    Endpoint destination;
    int64_t result;     // 0 or a negated error
    uint64_t words[8];  // abi/message.hpp
};
static_assert(sizeof(AsyncEntry) == 80);

}  // namespace shoal
