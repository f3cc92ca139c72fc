// The one-shot timer of each CPU: TSC deadline where the TSC is the clock and the CPU has it, the local APIC's counter
// otherwise. The core's deadline may lie further off than the hardware reaches: then the timer fires in between, unnoticed.
#pragma once

#include <cstdint>

namespace shoal::smp::timer {

// On the boot CPU: measures the local APIC's counter against the clock, median of several runs. Before other CPUs run: under
// an emulator they take its time.
void calibrate();
// Once the clock is settled, on the boot CPU.
void choose();
// On each CPU, after its local APIC is set up.
void set_up();

// machine::set_timer.
void set(uint64_t deadline);
// The timer's interrupt: true if the core's deadline has passed; else the timer has been started again.
bool expired();

void log_choice();

}  // namespace shoal::smp::timer
