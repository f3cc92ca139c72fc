// The swap of two processes: the kernel's half of a live update (VM call rs_update).
//
// What a process is - registers, FPU state, privileges, grants, further threads, and in VM its space - changes places with what the other one
// is. What it is called stays: endpoints, ProcessId, manager, who waits to send to it, notifications, alarm, and the CPU. So whoever has talked to
// the old instance talks to the new one.
#pragma once

#include "base/result.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/process.hpp"

namespace shoal::kernel {

enum class SwapDepth : uint8_t {
    Try,    // says only whether it could be
    Whole,
};

// Both have been stopped, are quiet, and have not started or wait for a message, each with its first thread; but not the process of `asker`, if that is
// one of them: its only thread waits here for VM's answer, and goes on with that where it is then. Returns who is to be answered: asker, or who that
// is now. Error: NoProcess; Invalid: one process; Permission: one is no system process, or VM; Busy: not so. With an error nothing has changed.
Result<Endpoint> swap_processes(Cpu& cpu, ProcessId source, ProcessId destination, Endpoint asker, SwapDepth depth);

}  // namespace shoal::kernel
