#include "kernel/smp/clock/clock.hpp"

#include "kernel/core/machine.hpp"
#include "kernel/smp/clock/calibration.hpp"
#include "kernel/smp/clock/counter.hpp"
#include "kernel/smp/clock/scale.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/features/features.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/x86/cpuid.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::smp::clock {
namespace {

struct State {
    Source source = Source::Counter;
    uint64_t start = 0;  // the source's count at boot
    Scale to_nanoseconds, to_ticks;
    TscFrequency tsc;
    bool must_be_tsc = false;
};
// Constant once the CPUs have agreed; on a line that no one writes.
alignas(kCacheLine) constinit State state;
alignas(kCacheLine) constinit Counter counter;

uint64_t read_source() {
    return state.source == Source::Tsc ? x86::read_tsc() : counter.read();
}

void use(Source source, uint64_t frequency) {
    state.source = source;
    state.to_nanoseconds = Scale::ratio(kNanosecondsPerSecond, frequency);
    state.to_ticks = Scale::ratio(frequency, kNanosecondsPerSecond);
    state.start = read_source();
}

// KVM feature bit 24: the host keeps the TSC stable for all virtual CPUs (Linux, Documentation/virt/kvm/x86/cpuid.rst).
bool kvm_keeps_tsc_stable() {
    return features().hypervisor() == Hypervisor::Kvm &&
           (x86::cpuid(0x4000'0001).eax & 1u << 24) != 0;
}

bool tsc_is_trusted() {
    return features().found().invariant_tsc || features().hypervisor() == Hypervisor::Tcg ||
           kvm_keeps_tsc_stable();
}

void find_counter(const MachineDescription& machine) {
    const ClockChoice choice = machine.options.clock;
    if (choice != ClockChoice::PmTimer && counter.use_hpet(machine.hpet)) return;
    if (choice == ClockChoice::Hpet) panic("clock=hpet: this machine has no HPET that counts");
    if (counter.use_pm_timer(machine.pm_timer)) return;
    if (choice == ClockChoice::PmTimer) panic("clock=pm: this machine has no ACPI PM timer that counts");
}

}  // namespace

void set_up(const MachineDescription& machine) {
    const ClockChoice choice = machine.options.clock;
    find_counter(machine);
    const bool have_counter = counter.kind() != Counter::Kind::None;
    state.must_be_tsc = choice == ClockChoice::Tsc;
    const bool want_tsc = state.must_be_tsc || (choice == ClockChoice::Best && tsc_is_trusted());
    if (want_tsc || !have_counter) {
        state.tsc = find_tsc_frequency(counter);
        if (state.tsc.hertz != 0) return use(Source::Tsc, state.tsc.hertz);
        if (state.must_be_tsc) panic("clock=tsc: nothing tells how fast the TSC runs");
    }
    if (!have_counter) panic("no clock: neither HPET nor ACPI PM timer counts, TSC frequency unknown");
    use(Source::Counter, counter.frequency());
}

uint64_t now() {
    return state.to_nanoseconds.apply(read_source() - state.start);
}

void delay(uint64_t nanoseconds) {
    const uint64_t start = now();
    while (now() - start < nanoseconds) x86::pause();
}

Source source() {
    return state.source;
}

uint64_t tsc_frequency() {
    return state.source == Source::Tsc ? state.tsc.hertz : 0;
}

uint64_t tsc_at(uint64_t nanoseconds) {
    return state.start + state.to_ticks.apply(nanoseconds) + 1;
}

uint64_t longest_gap() {
    return state.source == Source::Tsc ? ~uint64_t{0} : counter.longest_gap();
}

bool fall_back() {
    if (state.must_be_tsc || counter.kind() == Counter::Kind::None) return false;
    use(Source::Counter, counter.frequency());
    return true;
}

void log_choice() {
    const bool tsc = state.source == Source::Tsc;
    const uint64_t hertz = tsc ? state.tsc.hertz : counter.frequency();
    console::log(LogLevel::Info, "clock: %s at %lu.%03lu MHz%s%s", tsc ? "TSC" : counter.name(),
                 hertz / 1'000'000, hertz / 1000 % 1000, tsc ? ", by " : "",
                 tsc ? state.tsc.source : "");
}

}  // namespace shoal::smp::clock

namespace shoal::kernel::machine {

uint64_t now() {
    return smp::clock::now();
}

}  // namespace shoal::kernel::machine
