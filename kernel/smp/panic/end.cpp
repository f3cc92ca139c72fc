#include "kernel/smp/panic/end.hpp"

#include <initializer_list>

#include "kernel/smp/console/console.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::smp {
namespace {

constexpr uint16_t kQemuExitPort = 0xf4;  // as tools/shoal places isa-debug-exit
constexpr uint32_t kQemuPanicValue = 127, kQemuHighestValue = 126;

constinit PowerControl power_control;
constinit EndAction chosen = EndAction::Wait;
constinit bool after_panic = false;  // whoever panics first ends the machine

void wait_a_little() {
    const uint64_t start = x86::read_tsc();
    while (x86::read_tsc() - start < 1'000'000'000) x86::pause();
}

void write_register(const RegisterAddress& target, uint64_t value) {
    if (target.space == RegisterAddress::Space::Memory) {
        // Mapped by configure_end().
        volatile void* at = memory::direct(PhysicalAddress{target.address});
        if (target.bytes == 1) *static_cast<volatile uint8_t*>(at) = static_cast<uint8_t>(value);
        if (target.bytes == 2) *static_cast<volatile uint16_t*>(at) = static_cast<uint16_t>(value);
        if (target.bytes == 4) *static_cast<volatile uint32_t*>(at) = static_cast<uint32_t>(value);
        return;
    }
    const auto port = static_cast<uint16_t>(target.address);
    if (target.bytes == 1) x86::out8(port, static_cast<uint8_t>(value));
    if (target.bytes == 2) x86::out16(port, static_cast<uint16_t>(value));
    if (target.bytes == 4) x86::out32(port, static_cast<uint32_t>(value));
}

// QEMU ends with 2 * value + 1, of which 8 bits count: the end line alone tells high statuses apart.
void leave_qemu(uint64_t status) {
    const uint32_t value = status < kQemuHighestValue ? static_cast<uint32_t>(status) : kQemuHighestValue;
    x86::out32(kQemuExitPort, after_panic ? kQemuPanicValue : value);
}

// SLP_TYP and SLP_EN of the PM1 control registers (ACPI 6.4, 4.8.3.2.1). Where the firmware still owns the power management
// (SCI_EN clear) nothing happens.
void power_off() {
    if (!power_control.can_power_off) return;
    constexpr uint32_t kSleepEnable = 1 << 13, kSleepTypeShift = 10, kAcpiOwnsInterrupts = 1;
    const uint32_t common = kSleepEnable | kAcpiOwnsInterrupts;
    write_register(power_control.pm1a_control, common | uint32_t{power_control.sleep_type_a} << kSleepTypeShift);
    if (power_control.pm1b_control.present())
        write_register(power_control.pm1b_control,
                       common | uint32_t{power_control.sleep_type_b} << kSleepTypeShift);
    wait_a_little();
}

// The FADT's register; the keyboard controller's reset line; a triple fault.
[[noreturn]] void reboot() {
    if (power_control.reset.present()) {
        write_register(power_control.reset, power_control.reset_value);
        wait_a_little();
    }
    constexpr uint16_t kKeyboardPort = 0x64;
    constexpr uint8_t kPulseReset = 0xfe;
    x86::out8(kKeyboardPort, kPulseReset);
    wait_a_little();
    struct [[gnu::packed]] {
        uint16_t limit = 0;
        uint64_t base = 0;
    } const no_table;
    asm volatile("lidt %0; int3" : : "m"(no_table));
    x86::halt_forever();
}

[[noreturn]] void wait() {
    console::print("shoal: the machine may be switched off\n");
    x86::halt_forever();
}

// A panic stays on the screen where nobody asked for anything else.
[[noreturn]] void end_as_seems_best(uint64_t status) {
    if (power_control.on_qemu) leave_qemu(status);
    if (!after_panic) power_off();
    wait();
}

[[noreturn]] void end_as_chosen(uint64_t status) {
    switch (chosen) {
        case EndAction::Best: end_as_seems_best(status);
        case EndAction::Qemu: leave_qemu(status); break;
        case EndAction::PowerOff: power_off(); break;
        case EndAction::Reboot: reboot();
        case EndAction::Wait: break;
    }
    wait();
}

}  // namespace

void configure_end(const PowerControl& power, EndAction action) {
    power_control = power;
    chosen = action;
    for (const RegisterAddress* target : {&power.reset, &power.pm1a_control, &power.pm1b_control})
        if (target->space == RegisterAddress::Space::Memory)
            memory::map_device(PhysicalAddress{target->address}, target->bytes);
}

void end_machine(uint64_t status) {
    asm volatile("cli");
    const uint64_t shown = status < kHighestStatus ? status : kHighestStatus;
    console::print("shoal: end status %lu\n", shown);
    console::drain();
    end_as_chosen(shown);
}

void end_after_panic() {
    asm volatile("cli");
    after_panic = true;
    console::drain();
    end_as_chosen(0);
}

}  // namespace shoal::smp
