// The machine's clock: nanoseconds since boot.
//
// The TSC where it is invariant; under QEMU's TCG, too, which does not say so but serves every virtual CPU from one counter of
// the host; and where clock=tsc insists. Otherwise HPET, then PM timer. At boot all CPUs check the TSC against each other;
// where it goes back between two of them the clock is changed for HPET or PM timer before anything has been timed with it.
// An HPET read leaves the virtual machine, and under TCG takes its global lock (about a microsecond): now() is cheap with the
// TSC only.
#pragma once

#include <cstdint>

#include "kernel/smp/machine_description.hpp"

namespace shoal::smp::clock {

enum class Source : uint8_t { Tsc, Counter };

// On the boot CPU, before others start. Panics where the machine has no clock at all, or lacks the one that clock= names.
void set_up(const MachineDescription& machine);

[[nodiscard]] uint64_t now();
void delay(uint64_t nanoseconds);

[[nodiscard]] Source source();
[[nodiscard]] uint64_t tsc_frequency();  // [Hz]; 0 where the TSC is not the clock
// The TSC's value at a time since boot, rounded up; only where the TSC is the clock.
[[nodiscard]] uint64_t tsc_at(uint64_t nanoseconds);
// How long the clock may go unread [ns].
[[nodiscard]] uint64_t longest_gap();

// All CPUs call it at once; returns by how much the clock went back between any two of them [ns]. See clock/agreement.cpp.
void meet_for_agreement(uint32_t cpus);
[[nodiscard]] uint64_t worst_disagreement();
// Gives the TSC up after a disagreement; false if there is nothing else. On the boot CPU, while the others wait.
bool fall_back();

// "clock: TSC 2400.000 MHz (by HPET)".
void log_choice();

}  // namespace shoal::smp::clock
