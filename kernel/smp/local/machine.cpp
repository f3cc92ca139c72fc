// What of kernel/core/machine.hpp needs no file of its own: CPUs, wakes, the direct map, console, the end.
#include "kernel/core/machine.hpp"

#include "kernel/smp/apic/local_apic.hpp"
#include "kernel/smp/apic/vectors.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/local/processor.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/panic/end.hpp"

namespace shoal::kernel::machine {

Cpu& this_cpu() {
    return *smp::local().core;
}

Cpu& cpu(CpuId id) {
    return *smp::processor(id).core;
}

uint32_t cpu_count() {
    return smp::processor_count();
}

void wake(CpuId target) {
    smp::local_apic::send(smp::processor(target).apic_id, smp::kWakeVector);
}

void* frame_pointer(PhysicalAddress address) {
    return smp::memory::direct(address);
}


void console_write(const char* text, uint64_t bytes) {
    smp::console::write(text, bytes);
}

void end_system(uint64_t status) {
    smp::end_machine(status);
}

}  // namespace shoal::kernel::machine
