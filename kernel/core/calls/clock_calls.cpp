// Kernel calls about time.
#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel::calls {

Result<uint64_t> clock(Thread&, const ClockArguments&) { return machine::now(); }

Result<void> alarm(Thread& caller, const AlarmArguments& arguments) {
    Cpu& cpu = machine::this_cpu();
    cpu.timers.cancel(caller.alarm);
    if (arguments.nanoseconds != 0) cpu.timers.add(caller.alarm, arguments.nanoseconds);
    update_timer(cpu);
    return {};
}

}  // namespace shoal::kernel::calls
