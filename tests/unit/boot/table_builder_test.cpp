// Page tables of the kernel's start, read back by a walker.
#include "kernel/smp/memory/table_builder.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/seed.hpp"
#include "tests/unit/boot/page_walk.hpp"

namespace shoal::smp::memory {
namespace {

using test::TableMemory;
using test::walk;
using test::Walked;

constexpr uint64_t kBits = kWritable | kUser | kNoExecute;

class Tables : public testing::TestWithParam<LargestPage> {
  protected:
    TableMemory memory{4096};
    const PhysicalAddress root = TableBuilder::make_root(memory.free);
    TableBuilder builder{root, memory.free, GetParam()};
    const uint64_t largest = uint64_t{1} << static_cast<unsigned>(GetParam());
};

INSTANTIATE_TEST_SUITE_P(LargestPages, Tables, testing::Values(LargestPage::Small, LargestPage::Large, LargestPage::Giant),
                         [](const auto& size) { return "Bits" + std::to_string(static_cast<unsigned>(size.param)); });

TEST_P(Tables, MapWithTheLargestPagesThatFit) {
    const VirtualAddress at{0x4000'0000};
    builder.map(at, PhysicalAddress{0x8000'0000}, kGiantSize, kBits);
    const Walked found = walk(root, at + 0x1234'5678);
    EXPECT_EQ(found.bytes, largest);
    EXPECT_EQ(found.physical(at + 0x1234'5678), 0x9234'5678u);
    EXPECT_EQ(found.entry & kBits, kBits);
    EXPECT_TRUE(found.user && found.writable);
    EXPECT_EQ(walk(root, at - 1).bytes, 0u);
    EXPECT_EQ(walk(root, at + kGiantSize).bytes, 0u);
}

TEST_P(Tables, SmallPagesWhereTheTwoAddressesDisagree) {
    builder.map(VirtualAddress{0x4000'0000}, PhysicalAddress{0x8000'1000}, kLeafSize, kBits);
    EXPECT_EQ(walk(root, VirtualAddress{0x4000'0000}).bytes, kPageSize);
    EXPECT_EQ(walk(root, VirtualAddress{0x401f'f000}).physical(VirtualAddress{0x401f'f000}), 0x8020'0000u);
    EXPECT_EQ(walk(root, VirtualAddress{0x4020'0000}).bytes, 0u);
}

TEST_P(Tables, WhatIsMappedStays) {
    const VirtualAddress at{0x4000'0000};
    builder.map(at + kLeafSize, PhysicalAddress{0x1'0000'0000}, kPageSize, 0);
    builder.map(at, PhysicalAddress{0x8000'0000}, 2 * kLeafSize, kBits);
    EXPECT_EQ(walk(root, at + kLeafSize).physical(at + kLeafSize), 0x1'0000'0000u);
    EXPECT_FALSE(walk(root, at + kLeafSize).writable);
    EXPECT_FALSE(walk(root, at + kLeafSize).user);
    EXPECT_EQ(walk(root, at + kLeafSize + kPageSize).physical(at + kLeafSize + kPageSize), 0x8020'1000u);
    builder.map(at, PhysicalAddress{0x2'0000'0000}, kLeafSize, 0);
    EXPECT_EQ(walk(root, at).physical(at), 0x8000'0000u);
}

TEST_P(Tables, FindGivesTheEntryItself) {
    const VirtualAddress at{0x7fff'ffe0'0000};
    EXPECT_EQ(builder.find(at).entry, nullptr);
    builder.map(at, PhysicalAddress{0x20'0000}, kLeafSize, kBits);
    const TableBuilder::Mapping mapping = builder.find(at + 0x1000);
    ASSERT_NE(mapping.entry, nullptr);
    EXPECT_EQ(mapping.bytes, std::min<uint64_t>(largest, kLeafSize));
    *mapping.entry = 0;
    EXPECT_EQ(walk(root, at + 0x1000).bytes, 0u);
}

// Ranges at random, of which earlier ones win, against a map of pages.
TEST_P(Tables, AgreeWithAMapOfPages) {
    constexpr uint64_t kPages = 4 * kPagesPerLeaf;
    constexpr VirtualAddress kStart{0x5000'0000};
    std::mt19937_64 random(shoal::test::seed());
    for (int round = 0; round < 20; ++round) {
        TableMemory tables{256};
        const PhysicalAddress top = TableBuilder::make_root(tables.free);
        TableBuilder made(top, tables.free, GetParam());
        std::map<uint64_t, uint64_t> expected;
        for (int range = 0; range < 12; ++range) {
            const bool aligned = random() % 2 == 0;
            const uint64_t first = aligned ? random() % 4 * kPagesPerLeaf : random() % kPages;
            const uint64_t count = 1 + random() % (aligned ? kPages : 64), target = random() % 8 * kPagesPerLeaf + first;
            made.map(kStart + first * kPageSize, PhysicalAddress{target * kPageSize}, count * kPageSize, kBits);
            for (uint64_t i = 0; i < count; ++i) expected.emplace(first + i, target + i);
        }
        for (uint64_t page = 0; page < 2 * kPages; ++page) {
            const VirtualAddress at = kStart + page * kPageSize;
            const Walked found = walk(top, at);
            const auto wanted = expected.find(page);
            ASSERT_EQ(found.bytes != 0, wanted != expected.end()) << page;
            if (found.bytes == 0) continue;
            ASSERT_EQ(found.physical(at), wanted->second * kPageSize) << page;
        }
    }
}

}  // namespace
}  // namespace shoal::smp::memory
