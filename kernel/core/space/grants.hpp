// Direct grants: what another process lets the caller read or write. The kernel reads the entry at each use.
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
    Access access;       // what the caller does to the granter's memory
};

struct GrantedMemory {
    Process* granter;
    VirtualAddress address;
    OnAbsent absent;     // kTry: an absent page fails the copy
};

// Permission: no table, no such entry, not valid, another's, or not for that access or range. Invalid: no such granter name
// or number. DoNotReply: the entry's page was absent, the caller waits and the call is replayed.
Result<GrantedMemory> check_grant(Thread& caller, const GrantUse& use);

// The process to which an endpoint belongs; kSelf: the caller's. DeadEndpoint, BadEndpoint.
Result<Process*> process_named(Thread& caller, Endpoint name);

}  // namespace shoal::kernel::space
