#include "boot/decode/madt.hpp"

#include "boot/decode/acpi_tables.hpp"

namespace shoal::boot {
namespace {

enum class Entry : uint8_t {
    LocalApic = 0,
    IoApic = 1,
    InterruptOverride = 2,
    LocalNmi = 4,
    LocalApicAddress = 5,
    LocalX2Apic = 9,
    LocalX2Nmi = 10,
};
constexpr uint32_t kPcatCompatible = 1, kEnabled = 1;

// MPS INTI flags (table 5.50).
smp::Polarity polarity_of(uint16_t flags) {
    constexpr uint16_t kHigh = 1, kLow = 3;
    switch (flags & 3) {
        case kHigh: return smp::Polarity::ActiveHigh;
        case kLow: return smp::Polarity::ActiveLow;
        default: return smp::Polarity::Bus;
    }
}
smp::Trigger trigger_of(uint16_t flags) {
    constexpr uint16_t kEdge = 1, kLevel = 3;
    switch (flags >> 2 & 3) {
        case kEdge: return smp::Trigger::Edge;
        case kLevel: return smp::Trigger::Level;
        default: return smp::Trigger::Bus;
    }
}

// Only what is enabled: "online capable" says that the CPU may be plugged in later (5.2.12.2). Some firmware names a CPU in
// both kinds of entries.
void add_cpu(smp::MachineDescription& machine, uint32_t apic_id, uint32_t acpi_uid, uint32_t flags) {
    if ((flags & kEnabled) == 0) return;
    for (const smp::CpuDescription& known : machine.cpus)
        if (known.apic_id == apic_id) return;
    if (!machine.cpus.push({apic_id, acpi_uid})) ++machine.cpus_ignored;
}

void add_nmi(smp::MachineDescription& machine, uint32_t acpi_uid, uint8_t pin, uint16_t flags) {
    if (pin <= 1) machine.local_nmis.push({acpi_uid, pin, polarity_of(flags), trigger_of(flags)});
}

void decode_entry(Entry type, ByteView entry, smp::MachineDescription& machine) {
    constexpr uint8_t kNoApicId = 0xff, kEveryUid = 0xff;
    constexpr uint32_t kNoX2ApicId = ~uint32_t{0};
    switch (type) {
        case Entry::LocalApic:
            if (entry.has(0, 8) && entry.read<uint8_t>(3) != kNoApicId)
                add_cpu(machine, entry.read<uint8_t>(3), entry.read<uint8_t>(2), entry.read<uint32_t>(4));
            break;
        case Entry::IoApic:
            if (entry.has(0, 12))
                machine.io_apics.push({entry.read<uint8_t>(2), entry.read<uint32_t>(8),
                                       PhysicalAddress{entry.read<uint32_t>(4)}});
            break;
        case Entry::InterruptOverride:
            if (entry.has(0, 10) && entry.read<uint8_t>(3) < 16)
                machine.overrides.push({entry.read<uint8_t>(3), entry.read<uint32_t>(4),
                                        polarity_of(entry.read<uint16_t>(8)),
                                        trigger_of(entry.read<uint16_t>(8))});
            break;
        case Entry::LocalNmi: {
            const auto uid = entry.read<uint8_t>(2);
            if (entry.has(0, 6))
                add_nmi(machine, uid == kEveryUid ? smp::LocalNmi::kEveryCpu : uid,
                        entry.read<uint8_t>(5), entry.read<uint16_t>(3));
            break;
        }
        case Entry::LocalApicAddress:
            if (entry.has(0, 12)) machine.local_apic = PhysicalAddress{entry.read<uint64_t>(4)};
            break;
        case Entry::LocalX2Apic:
            if (entry.has(0, 16) && entry.read<uint32_t>(4) != kNoX2ApicId)
                add_cpu(machine, entry.read<uint32_t>(4), entry.read<uint32_t>(12), entry.read<uint32_t>(8));
            break;
        case Entry::LocalX2Nmi:
            if (entry.has(0, 12))
                add_nmi(machine, entry.read<uint32_t>(4), entry.read<uint8_t>(8), entry.read<uint16_t>(2));
            break;
    }
}

}  // namespace

void decode_madt(ByteView madt, smp::MachineDescription& machine) {
    constexpr size_t kEntries = kAcpiHeaderBytes + 8;
    if (!madt.has(0, kEntries)) return;
    machine.local_apic = PhysicalAddress{madt.read<uint32_t>(36)};
    machine.has_8259 = (madt.read<uint32_t>(40) & kPcatCompatible) != 0;
    for (size_t at = kEntries; madt.has(at, 2);) {
        const auto bytes = madt.read<uint8_t>(at + 1);
        if (bytes < 2 || !madt.has(at, bytes)) return;
        decode_entry(static_cast<Entry>(madt.read<uint8_t>(at)), madt.part(at, bytes), machine);
        at += bytes;
    }
}

}  // namespace shoal::boot
