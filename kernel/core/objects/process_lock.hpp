// The lock of a process, for those files that share it: who changes what a process and its slots are.
#pragma once

#include "base/lock/guard.hpp"
#include "kernel/core/objects/tables.hpp"

namespace shoal::kernel {

using ProcessGuard = Guard<KernelRank::Process>;
using ProcessPair = PairGuard<KernelRank::Process>;
using ProcessHeld = Held<KernelRank::Process>;

// Where the process is whose first thread has or had that name, if its slots are still taken: under its lock check_name() tells.
// BadEndpoint: no thread has ever had that slot.
Result<Process*> find_slot(Endpoint endpoint);
// DeadEndpoint: it is not there any more.
Result<void> check_name(const Process& process, Endpoint endpoint, const ProcessHeld&);

}  // namespace shoal::kernel
