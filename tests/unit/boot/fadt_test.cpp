#include "boot/decode/fadt.hpp"

#include <gtest/gtest.h>

#include "boot/decode/sleep_state.hpp"
#include "tests/unit/boot/bytes.hpp"

namespace shoal::boot::test {
namespace {

using Space = smp::RegisterAddress::Space;

constexpr size_t kFadtBytes = 244;

Bytes generic_address(uint8_t space, uint8_t access, uint64_t address) {
    return Bytes{}.put(space).put(uint8_t{32}).put(uint8_t{0}).put(access).put(address);
}

// Fields by their offset in the table.
class Fadt {
  public:
    template <typename T>
    Fadt& set(size_t offset, T value) {
        body_.set(offset - 36, value);
        return *this;
    }
    Fadt& address(size_t offset, uint8_t space, uint8_t access, uint64_t value) {
        const Bytes bytes = generic_address(space, access, value);
        for (size_t i = 0; i < bytes.size(); ++i) set(offset + i, bytes.data()[i]);
        return *this;
    }
    uint64_t decode(smp::MachineDescription& machine) const {
        const Exact table(acpi_table("FACP", body_).data());
        return decode_fadt(table.view(), machine);
    }
    [[nodiscard]] Bytes table() const { return acpi_table("FACP", body_); }

  private:
    Bytes body_ = Bytes{}.zeros(kFadtBytes - 36);
};

TEST(Fadt, ReadsTheOldFields) {
    smp::MachineDescription machine;
    const uint64_t dsdt = Fadt{}.set(40, 0x7fe0000u).set(64, 0x604u).set(76, 0x608u).set(91, uint8_t{4}).decode(machine);
    EXPECT_EQ(dsdt, 0x7fe0000u);
    EXPECT_EQ(machine.pm_timer.counter.space, Space::Port);
    EXPECT_EQ(machine.pm_timer.counter.address, 0x608u);
    EXPECT_EQ(machine.pm_timer.bits, 24);
    EXPECT_EQ(machine.power.pm1a_control.address, 0x604u);
    EXPECT_EQ(machine.power.pm1a_control.bytes, 2);
    EXPECT_FALSE(machine.power.pm1b_control.present());
    EXPECT_FALSE(machine.power.reset.present());
}

TEST(Fadt, PrefersTheExtendedFields) {
    smp::MachineDescription machine;
    const uint64_t dsdt = Fadt{}
                              .set(40, 1u)
                              .set(140, uint64_t{0x1'0000'0000})
                              .set(76, 0x608u)
                              .set(91, uint8_t{4})
                              .set(112, 1u << 8)
                              .address(208, 0, 3, 0xfed00100)
                              .decode(machine);
    EXPECT_EQ(dsdt, 0x1'0000'0000u);
    EXPECT_EQ(machine.pm_timer.counter.space, Space::Memory);
    EXPECT_EQ(machine.pm_timer.counter.address, 0xfed00100u);
    EXPECT_EQ(machine.pm_timer.bits, 32);
}

TEST(Fadt, TheResetRegisterCountsOnlyIfItsFlagIsSet) {
    for (const bool supported : {false, true}) {
        smp::MachineDescription machine;
        Fadt fadt;
        fadt.address(116, 1, 1, 0xcf9).set(128, uint8_t{6});
        if (supported) fadt.set(112, 1u << 10);
        fadt.decode(machine);
        EXPECT_EQ(machine.power.reset.present(), supported);
        if (supported) {
            EXPECT_EQ(machine.power.reset_value, 6);
        }
    }
}

TEST(Fadt, HardwareReducedMachinesHaveNoPm1) {
    smp::MachineDescription machine;
    Fadt{}.set(112, 1u << 20).set(64, 0x604u).set(76, 0x608u).set(91, uint8_t{4}).decode(machine);
    EXPECT_FALSE(machine.power.pm1a_control.present());
    EXPECT_FALSE(machine.pm_timer.counter.present());
}

TEST(Fadt, PassesOverRegistersInOtherSpaces) {
    smp::MachineDescription machine;
    Fadt{}.set(112, 1u << 10).address(116, 2, 1, 0xcf9).decode(machine);  // PCI configuration space
    EXPECT_FALSE(machine.power.reset.present());
    Fadt{}.set(112, 1u << 10).address(116, 1, 1, 0x10cf9).decode(machine);  // no such port
    EXPECT_FALSE(machine.power.reset.present());
}

TEST(Fadt, DamagedTablesAreReadWithinTheirBounds) {
    const Bytes whole = Fadt{}.set(112, 0x500u).address(116, 1, 1, 0xcf9).set(76, 0x608u).table();
    with_damaged(whole.data(), 20'000, new_seed(), [](ByteView bytes) {
        smp::MachineDescription machine;
        decode_fadt(bytes, machine);
        if (machine.power.reset.space == Space::Port) {
            EXPECT_LE(machine.power.reset.address, 0xffffu);
        }
    });
}

Bytes soft_off(const Bytes& package) {
    return acpi_table("DSDT", Bytes{}.text("....").put(uint8_t{0x08}).text("_S5_").append(package).text("tail"));
}

TEST(SleepState, ReadsConstantsOfEveryForm) {
    const struct {
        Bytes package;
        uint8_t a, b;
    } cases[] = {
        {Bytes{}.put(uint8_t{0x12}).put(uint8_t{6}).put(uint8_t{4}).put(uint32_t{0}), 0, 0},
        {Bytes{}.put(uint8_t{0x12}).put(uint8_t{8}).put(uint8_t{2}).text("\x0a\x05\x0a\x07"), 5, 7},
        {Bytes{}.put(uint8_t{0x12}).text("\x40\x01").put(uint8_t{2}).put(uint8_t{1}).put(uint8_t{0}), 1, 0},
        {Bytes{}.put(uint8_t{0x12}).put(uint8_t{6}).put(uint8_t{1}).put(uint8_t{0x0b}).put(uint16_t{7}), 7, 0},
    };
    for (const auto& each : cases) {
        const Exact table(soft_off(each.package).data());
        const SleepTypes types = find_soft_off(table.view());
        ASSERT_TRUE(types.found);
        EXPECT_EQ(types.a, each.a);
        EXPECT_EQ(types.b, each.b);
    }
}

TEST(SleepState, NeedsADefinition) {
    const Bytes package = Bytes{}.put(uint8_t{0x12}).put(uint8_t{6}).put(uint8_t{2}).put(uint16_t{0x0505});
    const Exact mention(acpi_table("DSDT", Bytes{}.text("x_S5_").append(package)).data());
    EXPECT_FALSE(find_soft_off(mention.view()).found);
    const Exact computed(soft_off(Bytes{}.put(uint8_t{0x12}).put(uint8_t{6}).put(uint8_t{2}).text("LOC0")).data());
    EXPECT_FALSE(find_soft_off(computed.view()).found);
}

TEST(SleepState, DamagedCodeIsReadWithinItsBounds) {
    const Bytes whole = soft_off(Bytes{}.put(uint8_t{0x12}).put(uint8_t{8}).put(uint8_t{2}).text("\x0a\x05\x0a\x07"));
    with_damaged(whole.data(), 20'000, new_seed(), [](ByteView bytes) {
        const SleepTypes types = find_soft_off(bytes);
        EXPECT_LE(types.a, 7);
        EXPECT_LE(types.b, 7);
    });
}

}  // namespace
}  // namespace shoal::boot::test
