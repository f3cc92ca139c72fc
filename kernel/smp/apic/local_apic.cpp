#include "kernel/smp/apic/local_apic.hpp"

#include "kernel/smp/apic/vectors.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/features/features.hpp"
#include "kernel/smp/local/cpu_local.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/x86/instructions.hpp"
#include "kernel/smp/x86/msr.hpp"

namespace shoal::smp::local_apic {
namespace {

enum class Register : uint32_t {
    Id = 0x20,
    Version = 0x30,
    TaskPriority = 0x80,
    EndOfInterrupt = 0xb0,
    Spurious = 0xf0,
    ErrorStatus = 0x280,
    CommandLow = 0x300,
    CommandHigh = 0x310,
    TimerLine = 0x320,
    ThermalLine = 0x330,
    PerformanceLine = 0x340,
    Lint0 = 0x350,
    Lint1 = 0x360,
    ErrorLine = 0x370,
    InitialCount = 0x380,
    CurrentCount = 0x390,
    DivideConfiguration = 0x3e0,
};

constexpr uint32_t kMasked = 1 << 16, kEnable = 1 << 8;
constexpr uint32_t kDeliverNmi = 4 << 8, kDeliverInit = 5 << 8, kDeliverStartup = 6 << 8;
constexpr uint32_t kPending = 1 << 12, kAssert = 1 << 14, kAllButSelf = 3 << 18;
constexpr uint32_t kActiveLow = 1 << 13, kLevel = 1 << 15;
constexpr uint32_t kTimerDeadline = 2 << 17, kDivideBy16 = 3;
constexpr uint32_t kLargestXapicId = 254;  // 255 is everyone

constinit bool in_x2apic = false;
constinit volatile uint32_t* registers = nullptr;

x86::Msr msr_of(Register r) {
    return static_cast<x86::Msr>(static_cast<uint32_t>(x86::Msr::X2ApicBase) +
                                 static_cast<uint32_t>(r) / 16);
}

uint32_t read(Register r) {
    if (in_x2apic) return static_cast<uint32_t>(x86::read_msr(msr_of(r)));
    return registers[static_cast<uint32_t>(r) / 4];
}

void write(Register r, uint32_t value) {
    if (in_x2apic)
        x86::write_msr(msr_of(r), value);
    else
        registers[static_cast<uint32_t>(r) / 4] = value;
}

// The x2APIC's command is one MSR write, which is not ordered after earlier stores by itself; the xAPIC's two halves, with the
// last command gone first, rely on interrupts being off (SDM vol. 3A, 11.6.1 and 11.12.3).
void command(uint32_t apic_id, uint32_t low) {
    if (in_x2apic) {
        x86::fence_before_msr();
        x86::write_msr(msr_of(Register::CommandLow), uint64_t{apic_id} << 32 | low);
        return;
    }
    while ((read(Register::CommandLow) & kPending) != 0) x86::pause();
    write(Register::CommandHigh, apic_id << 24);
    write(Register::CommandLow, low);
}

void set_up_nmi_lines(const MachineDescription& machine, uint32_t acpi_uid) {
    for (const LocalNmi& nmi : machine.local_nmis) {
        if (nmi.acpi_uid != LocalNmi::kEveryCpu && nmi.acpi_uid != acpi_uid) continue;
        uint32_t line = kDeliverNmi;
        if (nmi.polarity == Polarity::ActiveLow) line |= kActiveLow;
        if (nmi.trigger == Trigger::Level) line |= kLevel;
        write(nmi.pin == 0 ? Register::Lint0 : Register::Lint1, line);
    }
}

bool has_line(Register line) {
    const uint32_t last_line = read(Register::Version) >> 16 & 0xff;
    return line == Register::ThermalLine ? last_line >= 5 : last_line >= 4;
}

}  // namespace

void choose_mode(const MachineDescription& machine) {
    const uint64_t base = x86::read_msr(x86::Msr::ApicBase);
    const bool firmware_chose_it = (base & x86::kApicBaseX2) != 0;
    in_x2apic = firmware_chose_it || features().used().x2apic;
    if (firmware_chose_it && !features().used().x2apic)
        console::log(LogLevel::Warning, "x2APIC stays on: the firmware switched it on");
    features().set_x2apic_used(in_x2apic);
    if (in_x2apic) return;
    for (const CpuDescription& cpu : machine.cpus)
        if (cpu.apic_id > kLargestXapicId)
            panic("CPU with APIC id %u needs x2APIC, which is absent or left out", cpu.apic_id);
    registers = static_cast<volatile uint32_t*>(memory::map_device(machine.local_apic, kPageSize));
}

bool x2apic() {
    return in_x2apic;
}

void set_up(const MachineDescription& machine, uint32_t acpi_uid) {
    // From off or xAPIC; x2APIC is entered from xAPIC only (SDM vol. 3A, figure 11-27).
    uint64_t base = x86::read_msr(x86::Msr::ApicBase) | x86::kApicBaseEnable;
    if ((base & x86::kApicBaseX2) == 0) x86::write_msr(x86::Msr::ApicBase, base);
    if (in_x2apic) x86::write_msr(x86::Msr::ApicBase, base | x86::kApicBaseX2);

    write(Register::Spurious, kEnable | kSpuriousVector);
    write(Register::TaskPriority, 0);
    write(Register::TimerLine, kMasked | kTimerVector);
    if (has_line(Register::ThermalLine)) write(Register::ThermalLine, kMasked);
    if (has_line(Register::PerformanceLine)) write(Register::PerformanceLine, kMasked);
    write(Register::Lint0, kMasked);
    write(Register::Lint1, kMasked);
    set_up_nmi_lines(machine, acpi_uid);
    write(Register::ErrorLine, kApicErrorVector);
    write(Register::ErrorStatus, 0);
    end_of_interrupt();  // one that the firmware left in service would block all below it
}

uint32_t id() {
    const uint32_t value = read(Register::Id);
    return in_x2apic ? value : value >> 24;
}

void end_of_interrupt() {
    write(Register::EndOfInterrupt, 0);
}

void report_error() {
    write(Register::ErrorStatus, 0);  // latches what there was
    console::log(LogLevel::Warning, "CPU %u: APIC error %x", local().id.raw(),
                 read(Register::ErrorStatus));
}

void send(uint32_t apic_id, uint8_t vector) {
    command(apic_id, kAssert | vector);
}

void send_init(uint32_t apic_id) {
    command(apic_id, kAssert | kDeliverInit);
}

void send_startup(uint32_t apic_id, PhysicalAddress page) {
    command(apic_id, kAssert | kDeliverStartup | static_cast<uint32_t>(page.raw() >> kPageShift));
}

void send_nmi_to_others() {
    command(0, kAssert | kDeliverNmi | kAllButSelf);
}

void send_to_others(uint8_t vector) {
    command(0, kAssert | kAllButSelf | vector);
}

void set_timer_mode(TimerMode mode, uint8_t vector) {
    if (mode == TimerMode::OneShot) {
        write(Register::DivideConfiguration, kDivideBy16);
        write(Register::TimerLine, vector);
        return;
    }
    write(Register::TimerLine, kTimerDeadline | vector);
    // The memory-mapped line must have changed before the first deadline is written (SDM vol. 3A, 11.5.4.1).
    x86::fence_before_msr();
}

void start_one_shot(uint32_t ticks) {
    write(Register::InitialCount, ticks);
}

uint32_t remaining_ticks() {
    return read(Register::CurrentCount);
}

}  // namespace shoal::smp::local_apic
