// The platform in the guest: kernel calls.
#include "abi/kernel_call_stubs.hpp"
#include "servers/vm/platform/platform.hpp"

namespace shoal::vm::platform {

namespace {

VirtualAddress address_of(const void* object) { return VirtualAddress{reinterpret_cast<uint64_t>(object)}; }

Result<Posted> outcome(Result<uint64_t> done) {
    if (!done.ok()) return done.error();
    return done.value() != 0 ? Posted::Done : Posted::Pending;
}

}  // namespace

Result<Posted> flush(const FlushRequest& request) { return outcome(kernel_calls::flush(address_of(&request))); }
Result<Posted> unlink(const FlushRequest& request) { return outcome(kernel_calls::unlink(address_of(&request))); }
Result<void> destroy_space(ProcessId process) { return kernel_calls::space_destroy(process); }
Result<void> may_swap(ProcessId source, ProcessId destination, Endpoint asker) {
    TRY(kernel_calls::process_swap(source, destination, asker, 1));
    return {};
}
Result<Endpoint> swap(ProcessId source, ProcessId destination, Endpoint asker) {
    return kernel_calls::process_swap(source, destination, asker, 0);
}
void call_worker(CpuId cpu) { (void)kernel_calls::worker_call(cpu.raw()); }

Result<CpuId> home_of(ProcessId process) { return CpuId::from(TRY(kernel_calls::process_home(process))); }

Result<void> may_map(ProcessId process, PhysicalAddress start, uint64_t bytes) {
    return kernel_calls::device_memory(process, start, bytes);
}

Result<GrantPath> grant_path(Endpoint thread, uint32_t sequence) {
    const kernel_calls::GrantPathResults found = TRY(kernel_calls::grant_path(thread, sequence));
    const uint64_t grants[] = {found.first, found.second, found.third, found.fourth, found.fifth};
    GrantPath path;
    for (uint64_t grant : grants)
        if (path.length < found.length) path.grants[path.length++] = GrantName::from_raw(grant);
    return path;
}

Result<void> lend_area(PhysicalAddress area) { return kernel_calls::lend_area(area); }
Result<PhysicalAddress> reclaim_area() { return kernel_calls::reclaim_area(); }
void print(const char* text, uint64_t bytes) { (void)kernel_calls::console_write(address_of(text), bytes); }

}  // namespace shoal::vm::platform
