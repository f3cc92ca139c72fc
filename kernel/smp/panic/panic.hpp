// Panic: for bugs of the kernel and for hardware that fails, never for what a program can cause. Stops every CPU by NMI, prints
// "PANIC: reason", lets each CPU print its backtrace in turn, and ends the machine as end= says.
//
// May be called in any context, NMI included, and with any lock held: it takes none, and breaks the console's.
#pragma once

#include <cstdint>

#include "base/cpu.hpp"

namespace shoal::smp {

// Where a CPU was when it was stopped; stack_frame: its RBP.
struct StoppedAt {
    uint64_t instruction;  // 0: the backtrace begins with the caller of stack_frame's function
    uint64_t stack_frame;
    uint64_t stack;
};

[[noreturn, gnu::format(printf, 1, 2), gnu::cold]] void panic(const char* format, ...);

// As panic(), for an exception in the kernel: the backtrace begins where it happened.
[[noreturn, gnu::format(printf, 2, 3), gnu::cold]] void panic_at(const StoppedAt& where,
                                                                 const char* format, ...);

// What kernel/smp supplies as soon as other CPUs may run; before that a panic prints its own backtrace only.
struct PanicHooks {
    void (*stop_others)();  // sends an NMI to every CPU but this one; must not wait and must not take locks
    CpuId (*this_cpu)();    // works in NMI context
    uint32_t cpus;
};
void set_panic_hooks(const PanicHooks& hooks);

// The NMI handler asks panicking() first; if true it calls stop_for_panic(), which prints this CPU's backtrace when its turn
// comes, and halts.
bool panicking();
[[noreturn]] void stop_for_panic(const StoppedAt& where);

}  // namespace shoal::smp
