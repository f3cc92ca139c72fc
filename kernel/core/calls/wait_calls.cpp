// Kernel calls wait_on_address and wake_address.
#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/process.hpp"
#include "kernel/core/sched/scheduler.hpp"
#include "kernel/core/wait/wait_table.hpp"

namespace shoal::kernel::calls {

namespace {

// The words are 32 bits wide and lie in one page.
bool is_word(VirtualAddress address) { return address.raw() % sizeof(uint32_t) == 0 && address.in_user_space(); }

}  // namespace

Result<void> wait_on_address(Thread& caller, const WaitOnAddressArguments& arguments) {
    if (!is_word(arguments.address)) return Error::Invalid;
    Cpu& cpu = machine::this_cpu();
    const Error error = wait_on_word(cpu, caller, arguments.address, static_cast<uint32_t>(arguments.expected),
                                     arguments.timeout);
    update_timer(cpu);
    return error == Error::Interrupted ? Error::Again : error;
}

Result<uint64_t> wake_address(Thread& caller, const WakeAddressArguments& arguments) {
    if (!is_word(arguments.address)) return Error::Invalid;
    return wake_word(machine::this_cpu(), *caller.process, arguments.address, arguments.count);
}

}  // namespace shoal::kernel::calls
