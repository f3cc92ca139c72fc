// The CPU-local page: at one address on every CPU, so that entry code needs neither GS nor a register to find it.
//
// Only its own CPU uses it through local(); the boot CPU fills it in through the direct map before the CPU starts. Addresses
// inside the window mean something else on every CPU: they are never handed to another one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/cpu.hpp"
#include "kernel/smp/local/descriptors.hpp"
#include "kernel/smp/local/layout.h"

namespace shoal::kernel {
struct Thread;
class Cpu;
}  // namespace shoal::kernel

namespace shoal::smp {

class Processor;

struct alignas(kPageSize) CpuLocal {
    // First line: all that entry and exit touch.
    kernel::Thread* current;    // nullptr while idle
    kernel::Cpu* core;
    uint64_t user_stack;        // RSP of the user between SYSCALL and the first push
    Processor* processor;       // in the direct map or the kernel image: others may use it
    CpuId id;
    uint16_t reserved0[3];
    uint64_t reserved1;
    uint32_t reserved2;
    TaskState task_state;       // its RSP0, at 56, is where the current thread's registers end

    // The one-shot timer (clock/timer.hpp).
    uint64_t timer_deadline;    // that the core asked for [ns]

    alignas(16) GlobalDescriptors descriptors;
    uint64_t spurious_interrupts, unknown_nmis;
    uint64_t interrupts_in_window;  // taken by entry_take_interrupts()
};
static_assert(sizeof(CpuLocal) == kPageSize);
static_assert(offsetof(CpuLocal, current) == SHOAL_LOCAL_CURRENT);
static_assert(offsetof(CpuLocal, user_stack) == SHOAL_LOCAL_USER_STACK);
static_assert(offsetof(CpuLocal, task_state) + offsetof(TaskState, stack_of_ring) ==
              SHOAL_LOCAL_RSP0);

inline CpuLocal& local() {
    return *reinterpret_cast<CpuLocal*>(SHOAL_LOCAL_PAGE);
}

}  // namespace shoal::smp
