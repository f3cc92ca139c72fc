// The thin interface below VM: the kernel calls that it makes. In the guest they are traps (kernel_platform.cpp), on the
// host a model of the machine (tests/support/vm). Each acts for the calling worker's CPU.
#pragma once

#include "abi/endpoint.hpp"
#include "abi/grant.hpp"
#include "abi/memory.hpp"
#include "base/address.hpp"
#include "base/cpu.hpp"
#include "base/result.hpp"

namespace shoal::vm::platform {

enum class Posted : uint8_t {
    Done,     // flushed everywhere already
    Pending,  // kFlushDone with the cookie follows
};

// Flushes a space's ranges from the TLBs of the request's CPUs. Errors: Again (too many under way), NoProcess.
Result<Posted> flush(const FlushRequest& request);
// As flush(), and each CPU first removes its links to the last-level tables of the ranges.
Result<Posted> unlink(const FlushRequest& request);
// Errors: NoProcess, Busy (it has not stopped). kSpaceGone follows.
Result<void> destroy_space(ProcessId process);
// Whether the kernel's halves of two processes may be swapped. Errors: NoProcess, Permission, Busy.
Result<void> may_swap(ProcessId source, ProcessId destination, Endpoint asker);
// Swaps them. Returns under which name the asker waits for its answer now. Errors: likewise.
Result<Endpoint> swap(ProcessId source, ProcessId destination, Endpoint asker);
// kWorkerCalled to the worker of another CPU.
void call_worker(CpuId cpu);
// Error: NoProcess.
Result<CpuId> home_of(ProcessId process);
// Whether the process may map these physical addresses. Errors: NoProcess, Permission.
Result<void> may_map(ProcessId process, PhysicalAddress start, uint64_t bytes);
// The grants by which a thread has asked for a map, as they are now. Errors: Again (it no longer waits, or what it asked for is to be found out
// anew), and what is wrong with the grants.
Result<GrantPath> grant_path(Endpoint thread, uint32_t sequence);
// area: 2 MiB-aligned. Error: Invalid.
Result<void> lend_area(PhysicalAddress area);
// Error: NoEntry (none to give back).
Result<PhysicalAddress> reclaim_area();
// A line for whoever watches the console.
void print(const char* text, uint64_t bytes);

}  // namespace shoal::vm::platform
