// The kernel's console: a serial port or the framebuffer, and a log with levels.
//
// Works in any context with interrupts off. Texts of different CPUs do not mix: each call holds the console's lock (rank
// Console); panic breaks it. What is printed before a device is known is kept and shown on the device.
#pragma once

#include <cstdint>

#include "base/lock/lock_context.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::smp::console {

// Chooses the device: what console= asks for; else the firmware's serial port (SPCR) or COM1 if it answers; else the
// framebuffer. Boot CPU only; may be called again when more is known.
void configure(const MachineDescription& machine);

// Where the calling CPU's lock context is found, from the time other CPUs may print.
using LockContextOfThisCpu = LockContext& (*)();
void set_lock_context(LockContextOfThisCpu of_this_cpu);

void write(const char* text, uint64_t bytes);
[[gnu::format(printf, 1, 2)]] void print(const char* format, ...);

// A line "shoal: text", or "shoal: warning: text", where log= lets its level through.
[[gnu::format(printf, 2, 3)]] void log(LogLevel level, const char* format, ...);

// Before the machine ends: until everything has left it.
void drain();

// Only for panic: from now on nobody waits for the lock.
void break_lock();

}  // namespace shoal::smp::console
