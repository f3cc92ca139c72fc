// Notifications: a bit per source, set without waiting, received before any message.
#pragma once

#include "kernel/core/cpu.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// Trap Notify of the current thread.
void notify(Cpu& cpu, Thread& sender, Endpoint to);
// Mail::Notify at the target's home.
void on_notify(Cpu& cpu, Thread& sender);
// From the clock or the kernel itself, to a thread of this CPU.
void notify_special(Cpu& cpu, Thread& target, SpecialSource source);

// If one is pending that `from` admits: fills the thread's registers, true.
bool take_notification(Thread& thread, Endpoint from);

}  // namespace shoal::kernel
