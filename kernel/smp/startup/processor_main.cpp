#include "kernel/smp/startup/processor_main.hpp"

#include "kernel/smp/apic/local_apic.hpp"
#include "kernel/smp/clock/clock.hpp"
#include "kernel/smp/clock/timer.hpp"
#include "kernel/smp/processor/setup.hpp"
#include "kernel/smp/selftest/selftest.hpp"
#include "kernel/smp/tlb/flush_everywhere.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::smp {
namespace {

constinit const MachineDescription* machine_kept = nullptr;

void wait_until(Processor& self, ProcessorState state) {
    // Not for equality: a CPU that is slow to look may find itself moved on by two states at once.
    // Acquire pairs with the stores of wait_until_ready() and move_others_to().
    while (self.state.load(std::memory_order_acquire) < state) {
        if (state == ProcessorState::Running) serve_flush();  // the boot CPU is launching VM meanwhile
        x86::pause();
    }
}

// For a CPU that comes after it was given up. A panic's NMI or a machine check for all CPUs reaches it nevertheless, and would
// reset the machine if there were no tables and stacks to take it.
[[noreturn]] void park(Processor& self) {
    set_up_processor();
    self.state.store(ProcessorState::Parked, std::memory_order_release);  // pairs with start_late_processor()
    x86::halt_forever();
}

}  // namespace

void keep_machine(const MachineDescription& machine) {
    machine_kept = &machine;
}

void set_up_this_cpu(const MachineDescription& machine) {
    set_up_processor();
    local_apic::set_up(machine, local().processor->acpi_uid);
    verify_processor();
}

extern "C" [[noreturn]] void processor_main(Processor& self) {
    ProcessorState expected = ProcessorState::Waiting;
    // Release pairs with answered(); if the boot CPU has given up already, this CPU stays out.
    if (!self.state.compare_exchange_strong(expected, ProcessorState::Alive,
                                            std::memory_order_release, std::memory_order_relaxed))
        park(self);
    wait_until(self, ProcessorState::Numbered);
    set_up_this_cpu(*machine_kept);
    // Release pairs with wait_until_ready(): this CPU may be sent interrupts.
    self.state.store(ProcessorState::Ready, std::memory_order_release);
    clock::meet_for_agreement(processor_count());
    wait_until(self, ProcessorState::Agreed);
    timer::set_up();
    selftest::take_part(*machine_kept);
    wait_until(self, ProcessorState::Running);
    entry_leave();
}

}  // namespace shoal::smp
