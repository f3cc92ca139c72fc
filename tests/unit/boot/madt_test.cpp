#include "boot/decode/madt.hpp"

#include <gtest/gtest.h>

#include "tests/unit/boot/bytes.hpp"

namespace shoal::boot::test {
namespace {

using smp::MachineDescription;

Bytes header(uint32_t flags = 1) { return Bytes{}.put(uint32_t{0xfee00000}).put(flags); }

Bytes cpu(uint8_t uid, uint8_t apic_id, uint32_t flags) {
    return Bytes{}.put(uint8_t{0}).put(uint8_t{8}).put(uid).put(apic_id).put(flags);
}
Bytes x2_cpu(uint32_t uid, uint32_t apic_id, uint32_t flags) {
    return Bytes{}.put(uint8_t{9}).put(uint8_t{16}).put(uint16_t{0}).put(apic_id).put(flags).put(uid);
}
Bytes io_apic(uint8_t id, uint32_t address, uint32_t first) {
    return Bytes{}.put(uint8_t{1}).put(uint8_t{12}).put(id).put(uint8_t{0}).put(address).put(first);
}
Bytes interrupt_override(uint8_t line, uint32_t global, uint16_t flags) {
    return Bytes{}.put(uint8_t{2}).put(uint8_t{10}).put(uint8_t{0}).put(line).put(global).put(flags);
}
Bytes local_nmi(uint8_t uid, uint16_t flags, uint8_t pin) {
    return Bytes{}.put(uint8_t{4}).put(uint8_t{6}).put(uid).put(flags).put(pin);
}

std::unique_ptr<MachineDescription> decode(const Bytes& body) {
    auto machine = std::make_unique<MachineDescription>();
    const Exact table(acpi_table("APIC", body).data());
    decode_madt(table.view(), *machine);
    return machine;
}

TEST(Madt, TakesEnabledCpusWithSparseApicIds) {
    const auto machine = decode(header().append(cpu(0, 0, 1)).append(cpu(1, 6, 1)).append(cpu(2, 7, 0)).append(
        cpu(3, 8, 2)).append(x2_cpu(9, 0x1234, 1)).append(cpu(4, 0xff, 1)).append(x2_cpu(5, ~0u, 1)));
    ASSERT_EQ(machine->cpus.count, 3u);
    EXPECT_EQ(machine->cpus.items[0].apic_id, 0u);
    EXPECT_EQ(machine->cpus.items[1].apic_id, 6u);
    EXPECT_EQ(machine->cpus.items[2].apic_id, 0x1234u);
    EXPECT_EQ(machine->cpus.items[2].acpi_uid, 9u);
}

TEST(Madt, ACpuNamedTwiceCountsOnce) {
    EXPECT_EQ(decode(header().append(cpu(0, 3, 1)).append(x2_cpu(0, 3, 1)))->cpus.count, 1u);
}

TEST(Madt, CountsCpusBeyondTheLimit) {
    Bytes body = header();
    for (uint32_t i = 0; i < kMaxCpus + 5; ++i) body.append(x2_cpu(i, i * 2, 1));
    const auto machine = decode(body);
    EXPECT_EQ(machine->cpus.count, kMaxCpus);
    EXPECT_EQ(machine->cpus_ignored, 5u);
}

TEST(Madt, ReadsControllersAndOverrides) {
    const auto machine = decode(header(0).append(io_apic(2, 0xfec00000, 0)).append(io_apic(3, 0xfec01000, 24))
        .append(interrupt_override(0, 2, 0)).append(interrupt_override(9, 9, 0x0d)).append(interrupt_override(5, 5, 0x0f)));
    EXPECT_FALSE(machine->has_8259);
    EXPECT_EQ(machine->local_apic.raw(), 0xfee00000u);
    ASSERT_EQ(machine->io_apics.count, 2u);
    EXPECT_EQ(machine->io_apics.items[1].first_interrupt, 24u);
    ASSERT_EQ(machine->overrides.count, 3u);
    EXPECT_EQ(machine->overrides.items[0].global_interrupt, 2u);
    EXPECT_EQ(machine->overrides.items[0].polarity, smp::Polarity::Bus);
    EXPECT_EQ(machine->overrides.items[1].polarity, smp::Polarity::ActiveHigh);
    EXPECT_EQ(machine->overrides.items[1].trigger, smp::Trigger::Level);
    EXPECT_EQ(machine->overrides.items[2].polarity, smp::Polarity::ActiveLow);
}

TEST(Madt, ReadsNmiPinsAndTheWideAddress) {
    Bytes wide;
    wide.put(uint8_t{5}).put(uint8_t{12}).put(uint16_t{0}).put(uint64_t{0x4'fee00000});
    const auto machine = decode(header().append(local_nmi(0xff, 0, 1)).append(local_nmi(3, 5, 0)).append(
        local_nmi(4, 0, 7)).append(wide));
    ASSERT_EQ(machine->local_nmis.count, 2u);
    EXPECT_EQ(machine->local_nmis.items[0].acpi_uid, smp::LocalNmi::kEveryCpu);
    EXPECT_EQ(machine->local_nmis.items[1].trigger, smp::Trigger::Edge);
    EXPECT_EQ(machine->local_apic.raw(), 0x4'fee00000u);
}

TEST(Madt, PassesOverUnknownEntriesAndStopsAtBrokenOnes) {
    Bytes unknown, zero_length;
    unknown.put(uint8_t{0x42}).put(uint8_t{5}).zeros(3);
    zero_length.put(uint8_t{0}).put(uint8_t{0});
    const auto machine =
        decode(header().append(unknown).append(cpu(0, 1, 1)).append(zero_length).append(cpu(1, 2, 1)));
    EXPECT_EQ(machine->cpus.count, 1u);
}

TEST(Madt, AShortEntryIsNoCpu) {
    Bytes short_entry;
    short_entry.put(uint8_t{0}).put(uint8_t{4}).put(uint8_t{0}).put(uint8_t{5});
    EXPECT_EQ(decode(header().append(short_entry))->cpus.count, 0u);
}

TEST(Madt, DamagedTablesAreReadWithinTheirBounds) {
    const Bytes whole = acpi_table("APIC", header().append(cpu(0, 1, 1)).append(x2_cpu(1, 2, 1)).append(
        io_apic(1, 0xfec00000, 0)).append(interrupt_override(9, 9, 0xd)).append(local_nmi(0xff, 0, 1)));
    with_damaged(whole.data(), 20'000, new_seed(), [](ByteView bytes) {
        auto machine = std::make_unique<MachineDescription>();
        decode_madt(bytes, *machine);
        for (const auto& nmi : machine->local_nmis) EXPECT_LE(nmi.pin, 1);
        for (const auto& line : machine->overrides) EXPECT_LT(line.isa_line, 16);
    });
}

}  // namespace
}  // namespace shoal::boot::test
