#include "kernel/core/ipc/kernel_call.hpp"

#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/process.hpp"

namespace shoal::kernel {

namespace {

constexpr bool has(const uint64_t* mask, uint64_t number) { return (mask[number / 64] >> (number % 64) & 1) != 0; }

bool allowed(const Thread& caller, uint64_t number) {
    if (has(kKernelCallsForAll, number)) return true;
    if (has(kKernelCallsForVm, number)) return caller.is(kWorker);
    return has(caller.process->privileges.kernel_call_mask, number);
}

bool exists(uint64_t number) {
    return number < kKernelCallLimit &&
           (has(kKernelCallsForAll, number) || has(kKernelCallsForVm, number) || has(kKernelCallsForSystem, number));
}

}  // namespace

[[gnu::noinline]] void kernel_call(Cpu&, Thread& caller) {
    const uint64_t number = caller.registers.rdi;
    Error error = Error::BadRequest;
    if (exists(number)) {
        error = Error::CallDenied;
        if (allowed(caller, number)) {
            Message message = caller.registers.message();
            error = dispatch_call(static_cast<KernelCall>(number), caller, message);
            if (error == Error::None) caller.registers.set_message(message);
        }
    }
    if (error != Error::DoNotReply) caller.set_result(error);
}

}  // namespace shoal::kernel
