// smp::start(): from one CPU on boot's stack to all CPUs in the core. The order is the point of this file.
#include "kernel/core/boot.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/smp/apic/io_apic.hpp"
#include "kernel/smp/apic/legacy_pic.hpp"
#include "kernel/smp/apic/local_apic.hpp"
#include "kernel/smp/clock/clock.hpp"
#include "kernel/smp/clock/timer.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/entry/interrupt_table.hpp"
#include "kernel/smp/features/features.hpp"
#include "kernel/smp/local/processor.hpp"
#include "kernel/smp/machine_description.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/selftest/selftest.hpp"
#include "kernel/smp/startup/processor_main.hpp"
#include "kernel/smp/startup/start_processors.hpp"
#include "kernel/smp/tlb/flush_everywhere.hpp"
#include "kernel/smp/window/window.hpp"

extern "C" [[noreturn]] void continue_on_own_stack(uint64_t root, void (*function)(void*),
                                                   void* argument);

namespace shoal::smp {
namespace {

void silence_old_controllers(const MachineDescription& machine) {
    if (machine.has_8259) silence_legacy_pic();
    mask_io_apics(machine);
}

void install_panic_hooks() {
    set_panic_hooks({.stop_others = local_apic::send_nmi_to_others,
                     .this_cpu = [] { return local().id; },
                     .cpus = processor_count()});
}

// The TSC has to run alike on all CPUs, or another clock is taken.
void settle_clock() {
    constexpr uint64_t kTolerance = 1'000;  // [ns]
    clock::meet_for_agreement(processor_count());
    const uint64_t worst = clock::worst_disagreement();
    if (worst > kTolerance) {
        console::log(LogLevel::Warning, "the CPUs' TSCs differ by %lu ns or more", worst);
        if (!clock::fall_back())
            console::log(LogLevel::Warning, "the TSC stays the clock: there is no choice");
    }
    timer::choose();
    timer::set_up();
    move_others_to(ProcessorState::Agreed);
}

void report() {
    char line[256];
    features().describe(line, sizeof(line));
    console::log(LogLevel::Info, "%s", line);
    console::log(LogLevel::Info, "cpus: %u, %s", processor_count(),
                 local_apic::x2apic() ? "x2APIC" : "xAPIC");
    clock::log_choice();
    timer::log_choice();
}

// By kernel and boot so far: what is neither free nor a module's, which VM gets back.
uint64_t frames_taken(const MachineDescription& machine) {
    uint64_t frames = PageCount::covering(machine.memory_bytes).raw() - machine.frames->free_frames();
    for (const Module& module : machine.modules) frames -= PageCount::covering(module.bytes).raw();
    return frames;
}

void start_core(MachineDescription& machine) {
    const kernel::CoreLimits limits =
        kernel::choose_limits(processor_count(), machine.memory_bytes);
    const PhysicalAddress memory =
        machine.frames->take(PageCount::covering(kernel::core_bytes(limits)).raw());
    kernel::initialise({.limits = limits,
                        .memory = memory::direct(memory),
                        .command_line = machine.command_line,
                        .kernel_frames = frames_taken(machine),
                        .tsc_khz = clock::tsc_frequency() / 1000,
                        .kept = {machine.kept.begin(), machine.kept.end()},
                        .frames_end = features().frames_end()});
}

void introduce_cpus_to_core() {
    for (uint32_t i = 0; i < processor_count(); ++i) {
        Processor& each = processor(CpuId::from(i));
        each.core = &kernel::cpu_object(each.id);
        each.local->core = each.core;
    }
    console::set_lock_context([]() -> LockContext& { return local().core->locks; });
}

void start_on_own_stack(void* argument) {
    MachineDescription& machine = *static_cast<MachineDescription*>(argument);
    silence_old_controllers(machine);
    local_apic::choose_mode(machine);
    set_up_this_cpu(machine);
    install_panic_hooks();
    clock::set_up(machine);
    timer::calibrate();
    start_processors(machine);
    install_panic_hooks();
    settle_clock();
    report();
    selftest::take_part(machine);
    start_core(machine);
    introduce_cpus_to_core();
    launch_vm(machine, processor_count(), {.flush_everywhere = flush_everywhere});
    move_others_to(ProcessorState::Running);
    entry_leave();
}

}  // namespace

void start(MachineDescription& machine) {
    features().detect(machine.options);
    make_interrupt_table();
    make_boot_processor(machine);
    continue_on_own_stack(processor(CpuId::from(0)).root, start_on_own_stack, &machine);
}

}  // namespace shoal::smp
