#include "boot/firmware_tables.hpp"

#include "boot/decode/acpi_tables.hpp"
#include "boot/decode/fadt.hpp"
#include "boot/decode/madt.hpp"
#include "boot/decode/sleep_state.hpp"
#include "boot/decode/small_tables.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/x86/cpuid.hpp"

namespace shoal::boot {
namespace {

constexpr PhysicalAddress kUsualLocalApic{0xfee0'0000};
constexpr uint64_t kHighestAddress = uint64_t{1} << 46;  // that the direct map reaches

// Tables may lie in memory that the map calls reserved: it is mapped like a device then.
ByteView read_physical(uint64_t address, uint64_t bytes) {
    if (address >= kHighestAddress || bytes > kHighestAddress - address) return {};
    smp::memory::map_device(PhysicalAddress{address}, bytes);
    return {smp::memory::direct<uint8_t>(PhysicalAddress{address}), bytes};
}

void read_power_control(const AcpiTables& tables, smp::MachineDescription& machine) {
    const uint64_t dsdt = decode_fadt(tables.find("FACP"), machine);
    const SleepTypes soft_off = find_soft_off(tables.at(dsdt));
    machine.power.can_power_off = soft_off.found && machine.power.pm1a_control.present();
    machine.power.sleep_type_a = soft_off.a;
    machine.power.sleep_type_b = soft_off.b;
}

// The boot CPU runs, whatever the tables say.
void ensure_boot_cpu(smp::MachineDescription& machine) {
    const uint32_t apic_id = smp::x86::cpuid(1).ebx >> 24;
    if (machine.cpus.count != 0) return;
    smp::console::log(smp::LogLevel::Warning, "no table of CPUs (ACPI MADT): running on one");
    machine.cpus.push({apic_id, 0});
}

}  // namespace

void read_firmware_tables(ByteView rsdp, smp::MachineDescription& machine) {
    AcpiTables tables(read_physical);
    machine.local_apic = kUsualLocalApic;
    if (tables.open(rsdp)) {
        decode_madt(tables.find("APIC"), machine);
        machine.hpet = decode_hpet(tables.find("HPET"));
        machine.spcr_serial = decode_spcr(tables.find("SPCR"));
        read_power_control(tables, machine);
    } else {
        smp::console::log(smp::LogLevel::Warning, "no ACPI tables");
    }
    ensure_boot_cpu(machine);
}

}  // namespace shoal::boot
