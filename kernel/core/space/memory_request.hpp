// Copies for a thread that may wait: what is absent becomes a memory request to VM, and the call is replayed afterwards.
#pragma once

#include "kernel/core/process.hpp"
#include "kernel/core/space/user_copy.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel::space {

enum class OnAbsent : uint8_t {
    AskVm,  // the caller waits in VM's hands (unless it is VM)
    Fail,   // BadAddress
};

CopyEnd user_end(const Process& process, VirtualAddress address);
CpuSpaces& here();

// The answer to a call that copied: None; BadAddress; DoNotReply: the caller is in VM's hands. `to`, `from` and `bytes` are
// what copy() was given. Paused is the caller's to handle.
Error settle_copy(Thread& caller, const CopyResult& result, CopyEnd to, CopyEnd from, uint64_t bytes, OnAbsent absent);
// A short copy in one go.
Error copy_now(Thread& caller, CopyEnd to, CopyEnd from, uint64_t bytes, OnAbsent absent);

}  // namespace shoal::kernel::space
