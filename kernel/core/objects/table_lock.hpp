// The lock of the process table, for those files that share it: who changes what processes and slots are.
#pragma once

#include "base/lock/guard.hpp"
#include "kernel/core/objects/tables.hpp"

namespace shoal::kernel {

using TableLock = SpinLock<KernelRank::ProcessTable>;
using TableGuard = Guard<KernelRank::ProcessTable>;
using TableHeld = Held<KernelRank::ProcessTable>;

extern constinit TableLock table_lock;

// The process whose first thread has or had that name and whose slots are still taken.
Result<Process*> find_locked(Endpoint endpoint, const TableHeld&);

}  // namespace shoal::kernel
