// Grants: what another process lets the caller do with memory, of its own, of one that has granted it that, or of any (abi/grant.hpp). The
// kernel reads the entries at each use.
#pragma once

#include "abi/grant.hpp"
#include "base/result.hpp"
#include "kernel/core/process.hpp"
#include "kernel/core/space/memory_request.hpp"
#include "kernel/core/space/walk.hpp"

namespace shoal::kernel::space {

struct GrantUse {
    Endpoint granter;
    uint64_t number;     // sequence << 20 | index
    uint64_t offset;     // from the start of what was granted
    uint64_t bytes;
    uint32_t rights;     // Grant::kRead, kWrite and kMap: what the caller does with the memory
};

struct GrantedMemory {
    Process* owner;      // whose memory it is
    VirtualAddress address;
    OnAbsent absent;     // kTry: an absent page fails the copy
    GrantPath path;
};

// Permission: no table, no such entry, not valid, another's, or not for these rights or that range; of any grant on the path. Invalid: no such
// granter name or number. Loop: more than kMostGrantsInPath. Where an entry's page is absent: DoNotReply: the caller waits and the call is replayed;
// with OnAbsent::Fail BadAddress.
Result<GrantedMemory> check_grant(Thread& caller, const GrantUse& use, OnAbsent on_absent_entry = OnAbsent::AskVm);

// The process to which an endpoint belongs; kSelf: the caller's. DeadEndpoint, BadEndpoint.
Result<Process*> process_named(Thread& caller, Endpoint name);

}  // namespace shoal::kernel::space
