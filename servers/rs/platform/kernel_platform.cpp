#include "abi/kernel_call_stubs.hpp"
#include "abi/kernel_info.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "servers/rs/platform/platform.hpp"

namespace shoal::rs::platform {

ProcessId self() { return kernel_facts().process; }

Result<void> create_space(ProcessId process, Endpoint endpoint) {
    constexpr uint64_t kDefaultQuota = 0;
    return vm_calls::create(process, endpoint, kDefaultQuota);
}

Result<EntryPoint> load_image(const LoadRequest& request) {
    const auto start = TRY(vm_calls::load(VirtualAddress{reinterpret_cast<uint64_t>(&request)}));
    return EntryPoint{start.entry, start.stack, start.argument};
}

Result<void> unmap(VirtualAddress start, uint64_t bytes) { return vm_calls::munmap(start, bytes); }

Result<uint64_t> audit() {
    const auto report = TRY(vm_calls::audit());
    return report.found;
}

Result<void> start_process(Endpoint process, const EntryPoint& start) {
    return kernel_calls::process_start(process, start.entry, start.stack, start.argument, kAnyCpu);
}

Result<Endpoint> spawn_program(const SpawnOptions& options) { return spawn(options); }

}  // namespace shoal::rs::platform
