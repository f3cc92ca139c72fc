// The thin interface below PM: what it asks the kernel, VM and RS for. In the guest these are traps (kernel_platform.cpp), on
// the host a model of the three (tests/unit/pm). Nothing here waits for a program.
#pragma once

#include "abi/endpoint.hpp"
#include "abi/memory.hpp"
#include "abi/message.hpp"
#include "abi/pm_calls.hpp"
#include "abi/privileges.hpp"
#include "base/result.hpp"

namespace shoal::pm::platform {

// A process by both of its names: its first thread's, and its slot's.
struct ProcessName {
    Endpoint endpoint;
    ProcessId process;
};
struct StoppedProcess {
    ProcessId process;
    int64_t status;
};
// Where a first thread begins.
struct EntryPoint {
    VirtualAddress entry, stack;
    uint64_t argument;
};
// An executable in somebody's memory.
struct StoredImage {
    ProcessId space;
    VirtualAddress start;
    uint64_t bytes;
};

// The kernel's calls (abi/kernel_calls.toml). title: what messages about the process call it, at most 16 bytes of it.
// Error: Again (no slots).
Result<ProcessName> create_process(const char* title, Endpoint parent);
// Before its start. Error: as privilege_set.
Result<void> set_privileges(Endpoint process, const Privileges& privileges);
// Errors: BadCpu, BadAddress, and DeadEndpoint if somebody has killed it meanwhile.
Result<void> start_process(Endpoint process, const EntryPoint& start, uint64_t cpu);
// Error: DeadEndpoint (it is ending already).
Result<void> kill_process(Endpoint process, int64_t status);
// Takes a process of ours that has stopped. Error: NoChild (none is left).
Result<StoppedProcess> take_stopped();
// After its space is gone. Errors: BadEndpoint, Busy.
Result<void> release_process(Endpoint process);
// The process to which a thread belongs. Errors: DeadEndpoint, BadEndpoint.
Result<ProcessName> process_of(Endpoint thread);
// From the asker's memory. Error: BadAddress.
Result<void> copy_request(Endpoint asker, VirtualAddress from, SpawnRequest& to);

// VM's calls (abi/vm_calls.toml). quota in pages, 0: the default.
Result<void> create_space(const ProcessName& process, uint64_t quota);
Result<EntryPoint> load_image(const LoadRequest& request);
Result<void> share_memory(ProcessId from, const VirtualRange& range, ProcessId to);
// Nobody is given any of its memory from here on, nor it of anybody's. Error: NoProcess (it has no space).
Result<void> announce_end(ProcessId process);
// Errors: NoProcess (likewise), Invalid (its end has not been announced), Busy.
Result<void> destroy_space(ProcessId process);

// RS. Error: NoEntry.
Result<StoredImage> find_image(const char (&name)[sizeof SpawnRequest::name]);
// A child of RS, which does not ask for it, has ended. RS never waits for PM once its program runs, so that this ends.
void tell_root(Endpoint child, int64_t status);

// The late answer to a thread that waits. If it has died in the meantime the answer is dropped.
void answer(Endpoint waiter, const Message& message);

}  // namespace shoal::pm::platform
