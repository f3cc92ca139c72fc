#include "kernel/core/ipc/deliver.hpp"

#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

void complete_for_worker(Cpu& cpu, Thread& worker, const Process& sender) {
    Registers& registers = worker.registers;
    const uint32_t call = static_cast<uint32_t>(registers.rsi) - kVmCallBase;
    const bool allowed = call < 64 && (sender.privileges.vm_call_mask >> call & 1) != 0;
    registers.r14 = sender.id().raw() | (allowed ? kVmCallAllowed : 0);
    if (space::tables_low(cpu)) registers.rdi |= kTablesLow;
}

}  // namespace shoal::kernel
