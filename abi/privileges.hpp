// What a process may do. Set by its manager before it starts (kernel call privilege_set).
#pragma once

#include <cstdint>

#include "abi/endpoint.hpp"
#include "abi/trap.hpp"
#include "base/address.hpp"

namespace shoal {

struct Privileges {
    static constexpr unsigned kDeviceRanges = 8;
    static constexpr unsigned kSendWords = 4;   // one bit for each of the first 256 process slots (system processes)
    uint64_t trap_mask;            // bit n: Trap n allowed
    uint64_t send_mask[kSendWords];  // bit n: may send to the process in slot n; replies to a waiting caller are always allowed
    uint64_t kernel_call_mask[2];  // bit n: kernel call n (calls "all" need no bit)
    uint64_t vm_call_mask;         // bit n: VM call n of the table's "system" calls; VM asks the kernel for it
    Endpoint manager;              // hears of its death
    uint32_t priority;             // 0 best .. 15; VM's workers alone have 0
    uint32_t flags;                // PrivilegeFlags
    FrameRange device_memory[kDeviceRanges];  // of which it may map what is no memory of the machine's (VM call map_phys)
};

enum PrivilegeFlags : uint32_t {
    kSystemProcess = 1 << 0,   // may notify, senda, be notified
    kNoFpu = 1 << 1,           // built without FPU use: its state is not switched
    kMagicGrants = 1 << 2,     // may grant other processes' memory (abi/grant.hpp)
};

inline constexpr uint32_t kServerPriority = 4, kUserPriority = 8, kIdlePriority = 15;

constexpr uint64_t trap_bit(Trap trap) { return uint64_t{1} << static_cast<unsigned>(trap); }

}  // namespace shoal
