// A copy of this process, made and ended at the interfaces of kernel and VM: what PM does for others. It runs when it is
// started; what it does then is its own.
#pragma once

#include "abi/kernel_call_stubs.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/trap.hpp"

namespace shoal::bench {

class CopiedProcess {
  public:
    // process: this one. Needs ProgramRole::ProcessManager. Errors: those of process_create, create and fork.
    static Result<CopiedProcess> of(ProcessId process) {
        const auto made = TRY(kernel_calls::process_create(0, 0, kSelf, kSelf));
        constexpr uint64_t kDefaultQuota = 0;
        TRY(vm_calls::create(made.process, made.endpoint, kDefaultQuota));
        TRY(vm_calls::fork(process, made.process));
        return CopiedProcess(made.endpoint, made.process);
    }

    // Afterwards all that it held is free.
    Result<void> end() const {
        TRY(kernel_calls::process_kill(endpoint_, 0));
        Message notice;
        if (const TrapResult heard = receive(kAny, notice); heard.error != Error::None) return heard.error;
        TRY(kernel_calls::process_reap());
        TRY(vm_calls::willexit(process_));
        TRY(vm_calls::exit(process_));
        return kernel_calls::process_release(endpoint_);
    }

    [[nodiscard]] Endpoint endpoint() const { return endpoint_; }
    [[nodiscard]] ProcessId process() const { return process_; }

  private:
    CopiedProcess(Endpoint endpoint, ProcessId process) : endpoint_(endpoint), process_(process) {}

    Endpoint endpoint_;
    ProcessId process_;
};

}  // namespace shoal::bench
