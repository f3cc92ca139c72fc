#include "boot/decode/small_tables.hpp"

#include <gtest/gtest.h>

#include "tests/unit/boot/bytes.hpp"

namespace shoal::boot::test {
namespace {

Bytes hpet(uint8_t space, uint64_t address) {
    return acpi_table("HPET", Bytes{}.put(0x8086a201u).put(space).put(uint8_t{64}).put(uint16_t{0}).put(address).zeros(4));
}

using Space = smp::RegisterAddress::Space;

struct Spcr {
    uint8_t kind = 0, space = 1, bits = 8, access = 1;
    uint64_t address = 0x3f8;
    uint8_t speed = 7;
    uint32_t clock = 0, exact_speed = 0;
    uint8_t revision = 4;
};

Bytes spcr(const Spcr& from) {
    Bytes body;
    body.put(from.kind).zeros(3).put(from.space).put(from.bits).put(uint8_t{0}).put(from.access).put(from.address);
    body.zeros(6).put(from.speed).zeros(17).put(from.clock).put(from.exact_speed).zeros(4);
    Bytes table = acpi_table("SPCR", body);
    table.set(8, from.revision);
    return table.fix_sum(9, table.size());
}

smp::SerialPort decoded(const Spcr& from) {
    const Exact table(spcr(from).data());
    return decode_spcr(table.view());
}

TEST(Hpet, IsTakenInMemoryOnly) {
    const Exact in_memory(hpet(0, 0xfed00000).data()), at_port(hpet(1, 0x100).data());
    EXPECT_EQ(decode_hpet(in_memory.view()).raw(), 0xfed00000u);
    EXPECT_EQ(decode_hpet(at_port.view()).raw(), 0u);
    EXPECT_EQ(decode_hpet({}).raw(), 0u);
}

TEST(Spcr, GivesPortAndSpeedOfA16550) {
    const smp::SerialPort port = decoded({.address = 0x2f8, .speed = 4});
    EXPECT_EQ(port.registers, (smp::RegisterAddress{Space::Port, 1, 0x2f8}));
    EXPECT_EQ(port.baud, 19'200u);
    EXPECT_EQ(port.clock, smp::SerialPort::kUsualClock);
    EXPECT_TRUE(decoded({.kind = 1}).present());
    EXPECT_EQ(decoded({.access = 3}).registers.bytes, 1);  // ports are bytes, whatever the table says
}

TEST(Spcr, GivesRegistersInMemoryWithTheirDistance) {
    const auto in_memory = [](uint8_t bits, uint8_t access) {
        return decoded({.kind = 0x12, .space = 0, .bits = bits, .access = access, .address = 0xfe03'0000}).registers;
    };
    EXPECT_EQ(in_memory(8, 1), (smp::RegisterAddress{Space::Memory, 1, 0xfe03'0000}));
    EXPECT_EQ(in_memory(32, 3).bytes, 4);
    EXPECT_EQ(in_memory(8, 3).bytes, 4);
    EXPECT_EQ(in_memory(32, 0).bytes, 4);  // the access is left open: as wide as a register
    EXPECT_EQ(in_memory(16, 0).bytes, 2);
    EXPECT_EQ(in_memory(7, 0).bytes, 1);
}

TEST(Spcr, KnowsEverySpeed) {
    EXPECT_EQ(decoded({.speed = 0}).baud, 0u);  // as the firmware left it
    EXPECT_EQ(decoded({.speed = 3}).baud, 9'600u);
    EXPECT_EQ(decoded({.speed = 6}).baud, 57'600u);
    EXPECT_EQ(decoded({.speed = 7}).baud, 115'200u);
    EXPECT_EQ(decoded({.speed = 7, .exact_speed = 1'500'000}).baud, 1'500'000u);
    EXPECT_EQ(decoded({.speed = 7, .exact_speed = 1'500'000, .revision = 3}).baud, 115'200u);
}

TEST(Spcr, KnowsTheClock) {
    EXPECT_EQ(decoded({.clock = 48'000'000}).clock, 48'000'000u);
    EXPECT_EQ(decoded({.clock = 48'000'000, .revision = 2}).clock, smp::SerialPort::kUsualClock);
}

TEST(Spcr, OtherKindsOfPortsAreNone) {
    EXPECT_FALSE(decoded({.kind = 3}).present());
    EXPECT_FALSE(decoded({.space = 2}).present());
    EXPECT_FALSE(decoded({.address = 0x1'0000}).present());
    EXPECT_FALSE(decoded({.address = 0xfffc}).present());
    EXPECT_FALSE(decoded({.address = 0}).present());
    EXPECT_FALSE(decoded({.space = 0, .access = 4, .address = 0xfe00'0000}).present());
    EXPECT_FALSE(decode_spcr({}).present());
}

TEST(SmallTables, DamagedOnesAreReadWithinTheirBounds) {
    with_damaged(spcr({.address = 0x2f8, .clock = 1, .exact_speed = 9}).data(), 5'000, new_seed(), [](ByteView bytes) {
        const smp::SerialPort port = decode_spcr(bytes);
        EXPECT_NE(port.clock, 0u);
        EXPECT_TRUE(!port.present() || (port.registers.bytes >= 1 && port.registers.bytes <= 4));
        decode_hpet(bytes);
    });
}

}  // namespace
}  // namespace shoal::boot::test
