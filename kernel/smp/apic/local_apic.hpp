// The local APIC of the calling CPU, xAPIC by memory or x2APIC by MSRs (SDM vol. 3A, chapter 11).
#pragma once

#include <cstdint>

#include "kernel/smp/machine_description.hpp"

namespace shoal::smp::local_apic {

// On the boot CPU. x2APIC if the firmware left it on (it cannot be left without switching the APIC off), or if it is found
// and not left out by the boot line; xAPIC otherwise. Panics where the mode cannot reach the ids of all CPUs.
void choose_mode(const MachineDescription& machine);
[[nodiscard]] bool x2apic();

// On each CPU: enables it in the chosen mode, masks all local lines but the NMI's, accepts all priorities.
void set_up(const MachineDescription& machine, uint32_t acpi_uid);
[[nodiscard]] uint32_t id();

// One register write and nothing else; not for spurious interrupts, exceptions and NMIs.
void end_of_interrupt();
// Clears the error status and logs it.
void report_error();

// Interprocessor interrupts. Every store before is visible to the target when it gets there.
void send(uint32_t apic_id, uint8_t vector);
void send_init(uint32_t apic_id);
void send_startup(uint32_t apic_id, PhysicalAddress page);  // page-aligned, below 1 MiB
void send_nmi_to_others();
void send_to_others(uint8_t vector);

// The timer. divided by 16, one-shot; or TSC deadline. start(0) stops it.
enum class TimerMode : uint8_t { OneShot, TscDeadline };
void set_timer_mode(TimerMode mode, uint8_t vector);
void start_one_shot(uint32_t ticks);
[[nodiscard]] uint32_t remaining_ticks();

}  // namespace shoal::smp::local_apic
