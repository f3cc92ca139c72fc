// Makes the machine that of the thread which runs next: address space, FS and GS, FPU. What a short turn of a server does not use
// stays with whom it serves.
#pragma once

#include "kernel/core/cpu.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/space_interface.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// FPU registers keep their owner's state while threads run that do not use them.
// Returns the thread.
[[gnu::noinline, gnu::returns_nonnull]] Thread* take_fpu(Cpu& cpu, Thread& next);

inline void take_bases(Cpu& cpu, Thread& next) {
    Thread* const owner = cpu.bases_owner;
    if (owner == &next) return;
    if (owner != nullptr) [[likely]] {
        machine::exchange_bases(owner->bases, next.bases);
    } else {
        machine::load_bases(next.bases);
    }
    cpu.bases_owner = &next;
}

// Returns the thread.
[[gnu::always_inline]] inline Thread* load(Cpu& cpu, Thread& next) {
    space::enter(cpu, next);
    cpu.loaded = &next;
    if (!next.is(kWorker)) take_bases(cpu, next);  // workers use no thread-local storage
    return next.no_fpu != 0 || cpu.fpu_owner == &next ? &next : take_fpu(cpu, next);
}

// Flags of a thread that has to do something before it sees user mode again.
inline constexpr uint16_t kToSettle = kMustMove | kReplay | kRestoreAsync | kHold;

inline bool must_settle(const Thread& thread) { return (thread.flags & kToSettle) != 0; }

// The current thread, loaded, if nothing speaks against it; nullptr: next_thread() has to choose.
[[gnu::always_inline]] inline Thread* leave_to_current(Cpu& cpu) {
    Thread* const next = cpu.current;
    if (next == nullptr || cpu.reschedule || must_settle(*next)) [[unlikely]] return nullptr;
    return next == cpu.loaded ? next : load(cpu, *next);
}

}  // namespace shoal::kernel
