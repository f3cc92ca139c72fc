#include "boot/decode/acpi_tables.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/boot/bytes.hpp"

namespace shoal::boot::test {
namespace {

// Physical memory: tables by address, each in a block of its own.
std::map<uint64_t, Exact>* physical_memory;

ByteView read_physical(uint64_t address, uint64_t bytes) {
    auto block = physical_memory->upper_bound(address);
    if (block == physical_memory->begin()) return {};
    --block;
    const uint64_t offset = address - block->first;
    const ByteView view = block->second.view();
    return view.has(offset, bytes) ? view.part(offset, bytes) : ByteView{};
}

class AcpiTablesTest : public testing::Test {
  protected:
    void SetUp() override { physical_memory = &memory_; }
    void put(uint64_t address, const Bytes& table) { memory_.emplace(address, Exact(table.data())); }

    static Bytes rsdp(uint8_t revision, uint32_t rsdt, uint64_t xsdt) {
        Bytes bytes;
        bytes.text("RSD PTR ").put(uint8_t{0}).text("SHOAL ").put(revision).put(rsdt);
        bytes.put(uint32_t{36}).put(xsdt).put(uint8_t{0}).zeros(3);
        return bytes.fix_sum(8, 20).fix_sum(32, 36);
    }
    static Bytes rsdt(std::initializer_list<uint32_t> tables) {
        Bytes body;
        for (const uint32_t address : tables) body.put(address);
        return acpi_table("RSDT", body);
    }
    static Bytes xsdt(std::initializer_list<uint64_t> tables) {
        Bytes body;
        for (const uint64_t address : tables) body.put(address);
        return acpi_table("XSDT", body);
    }
    bool open(AcpiTables& tables, const Bytes& root) {
        rsdp_.emplace_back(root.data());
        return tables.open(rsdp_.back().view());
    }

    std::map<uint64_t, Exact> memory_;
    std::vector<Exact> rsdp_;
};

Bytes marked(std::string_view signature, uint8_t mark) { return acpi_table(signature, Bytes{}.put(mark)); }

TEST_F(AcpiTablesTest, PrefersTheExtendedRootTable) {
    put(0x1000, rsdt({0x3000}));
    put(0x2000, xsdt({0x4000}));
    put(0x3000, marked("APIC", 1));
    put(0x4000, marked("APIC", 2));
    AcpiTables tables(read_physical);
    ASSERT_TRUE(open(tables, rsdp(2, 0x1000, 0x2000)));
    EXPECT_EQ(tables.find("APIC").read<uint8_t>(kAcpiHeaderBytes), 2);
}

TEST_F(AcpiTablesTest, FallsBackToTheOldRootTable) {
    put(0x1000, rsdt({0x3000}));
    put(0x3000, marked("APIC", 1));
    for (const uint64_t broken_xsdt : {0ull, 0x9000ull}) {
        AcpiTables tables(read_physical);
        ASSERT_TRUE(open(tables, rsdp(2, 0x1000, broken_xsdt)));
        EXPECT_EQ(tables.find("APIC").read<uint8_t>(kAcpiHeaderBytes), 1);
    }
    AcpiTables tables(read_physical);
    EXPECT_TRUE(open(tables, rsdp(0, 0x1000, 0xdead)));
}

TEST_F(AcpiTablesTest, AWrongSumOfTheExtendedPartLeavesTheOldOne) {
    put(0x1000, rsdt({}));
    put(0x2000, xsdt({}));
    Bytes root = rsdp(2, 0x1000, 0x2000);
    root.set(32, uint8_t{0x77});
    AcpiTables tables(read_physical);
    EXPECT_TRUE(open(tables, root));
    memory_.erase(0x1000);
    EXPECT_FALSE(open(tables, root));
}

TEST_F(AcpiTablesTest, RefusesRootPointersThatAreNone) {
    put(0x1000, rsdt({}));
    AcpiTables tables(read_physical);
    Bytes wrong_sum = rsdp(0, 0x1000, 0);
    wrong_sum.set(10, uint8_t{0xff});
    EXPECT_FALSE(open(tables, wrong_sum));
    Bytes wrong_text = rsdp(0, 0x1000, 0);
    wrong_text.set(0, uint8_t{'X'}).fix_sum(8, 20);
    EXPECT_FALSE(open(tables, wrong_text));
    EXPECT_FALSE(tables.open({}));
}

TEST_F(AcpiTablesTest, PassesOverTablesWithWrongSumOrLength) {
    put(0x1000, xsdt({0, 0x2000, 0x3000, 0x4000, 0x7777000, 0x5000}));
    Bytes wrong_sum = marked("HPET", 1);
    put(0x2000, wrong_sum.set(20, uint8_t{9}));
    Bytes short_one = marked("HPET", 2);
    put(0x3000, short_one.set(4, uint32_t{12}));
    Bytes long_one = marked("HPET", 3);
    put(0x4000, long_one.set(4, uint32_t{0xffff'ffff}));
    put(0x5000, marked("HPET", 4));
    AcpiTables tables(read_physical);
    ASSERT_TRUE(open(tables, rsdp(2, 0, 0x1000)));
    EXPECT_EQ(tables.find("HPET").read<uint8_t>(kAcpiHeaderBytes), 4);
    EXPECT_TRUE(tables.find("MCFG").empty());
}

TEST_F(AcpiTablesTest, DamagedRootTablesAreReadWithinTheirBounds) {
    put(0x3000, marked("APIC", 1));
    const Bytes root_pointer = rsdp(2, 0, 0x1000);
    with_damaged(xsdt({0x3000, 0x3000, 0x9000}).data(), 20'000, new_seed(), [&](ByteView bytes) {
        memory_.erase(0x1000);
        const std::vector<uint8_t> copy(bytes.data(), bytes.data() + bytes.size());
        memory_.emplace(0x1000, Exact(copy));
        AcpiTables tables(read_physical);
        const Exact rsdp_block(root_pointer.data());
        if (!tables.open(rsdp_block.view())) return;
        const ByteView found = tables.find("APIC");
        EXPECT_TRUE(found.empty() || found.sum() == 0);
    });
}

}  // namespace
}  // namespace shoal::boot::test
