// Requests to PM (endpoint kPm) and RS (kRs). Arguments in message words as given.
#pragma once

#include <cstdint>

#include "abi/message.hpp"
#include "base/address.hpp"

namespace shoal {

enum class PmCall : uint32_t {
    Spawn = kPmCallBase + 1,   // 1: address of SpawnRequest in the caller's space -> 1: endpoint of the child
    Wait = kPmCallBase + 2,    // 1: endpoint of a child or kAny, 2: 1 = do not wait -> 1: endpoint, 2: status
    Kill = kPmCallBase + 3,    // 1: endpoint of a child (or descendant) -> ; status of the killed: kKilledStatus
};

enum class RsCall : uint32_t {
    Lookup = kRsCallBase + 8,  // 1, 2, 3: name (24 bytes) -> 1: address in RS's space, 2: bytes, 3: RS's ProcessId
    Done = kRsCallBase + 30,   // from PM: a child of RS has ended. 1: status, 2: its endpoint; no answer
};

inline constexpr int64_t kKilledStatus = 137;      // as a shell shows SIGKILL
inline constexpr int64_t kFaultedStatus = 139;     // as a shell shows SIGSEGV

// What a program may do beyond its own process. Nobody can give a child more than he has; RS has all.
enum class ProgramRole : uint64_t {
    User,
    ProcessManager,  // drives kernel and VM as PM does, and VM as file servers do; is a system process
    Driver,          // may map any device's memory
    FileServer,      // serves files to VM and fills the page cache, and gives shared memory to others
};

struct SpawnRequest {
    static constexpr uint64_t kMaxArgumentBytes = 2048, kMaxShares = 4;
    char name[24];            // of an image that RS owns; empty: the image is in the caller's memory
    VirtualAddress image;
    uint64_t image_bytes;
    uint64_t quota_pages;     // 0: the default
    uint64_t cpu;             // kAnyCpu or the CPU of its first thread
    ProgramRole role;
    uint64_t share_count;     // ranges of the caller that the child shares at the same addresses
    VirtualRange shares[kMaxShares];
    uint64_t argument_count, argument_bytes;
    char arguments[kMaxArgumentBytes];
};

}  // namespace shoal
