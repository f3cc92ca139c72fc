// The thin interface below RS: what it asks the kernel, VM and PM for. In the guest these are traps (kernel_platform.cpp), on
// the host a model of the three (tests/unit/rs).
#pragma once

#include "abi/endpoint.hpp"
#include "abi/memory.hpp"
#include "base/result.hpp"
#include "libc-min/process.hpp"

namespace shoal::rs::platform {

// Where a server's first thread begins.
struct EntryPoint {
    VirtualAddress entry, stack;
    uint64_t argument;
};

// RS's own process, in whose memory the images are.
ProcessId self();

// VM's calls (abi/vm_calls.toml).
Result<void> create_space(ProcessId process, Endpoint endpoint);
Result<EntryPoint> load_image(const LoadRequest& request);
Result<void> unmap(VirtualAddress start, uint64_t bytes);
// The number of faults that VM finds in its books.
Result<uint64_t> audit();

// On any CPU.
Result<void> start_process(Endpoint process, const EntryPoint& start);
// Through PM, which must run. Waits for it.
Result<Endpoint> spawn_program(const SpawnOptions& options);

}  // namespace shoal::rs::platform
