// The small structures: layout of addresses, holes.
#include <gtest/gtest.h>

#include "servers/vm/space/address_layout.hpp"
#include "servers/vm/space/hole_stack.hpp"

namespace shoal::vm::test {
namespace {

TEST(AddressLayout, SlicesCoverTheUpperHalfForAnyCpuCount) {
    for (uint32_t cpus : {1u, 2u, 3u, 4u, 7u, 16u, 255u, 256u}) {
        const AddressLayout layout(cpus);
        EXPECT_GE(layout.segments(), cpus + 1);
        VirtualAddress at = AddressLayout::kSlices;
        for (uint32_t i = 1; i < layout.segments(); ++i) {
            const VirtualRange range = layout.segment_range(i);
            EXPECT_EQ(range.start, at);
            EXPECT_EQ(layout.segment_of(range.start), i);
            EXPECT_EQ(layout.segment_of(range.end - 1), i);
            at = range.end;
        }
        EXPECT_EQ(at, AddressLayout::kTop);
    }
}

TEST(HoleStack, GivesTheLatestFittingHoleAndJoinsNeighbours) {
    HoleStack holes;
    const auto range = [](uint64_t first, uint64_t end) {
        return VirtualRange{VirtualAddress{first * kPageSize}, VirtualAddress{end * kPageSize}};
    };
    holes.push(range(10, 12));
    holes.push(range(20, 21));
    EXPECT_EQ(holes.take(kPageSize, kPageSize), range(20, 21));
    holes.push(range(12, 14));
    EXPECT_EQ(holes.take(4 * kPageSize, kPageSize), range(10, 14));
    EXPECT_TRUE(holes.take(kPageSize, kPageSize).empty());
    holes.push(range(10, 12));
    EXPECT_TRUE(holes.take(kPageSize, kPageSize, range(0, 12).end).empty());
    EXPECT_EQ(holes.take(kPageSize, kPageSize, range(0, 11).end), range(10, 11));
}

}  // namespace
}  // namespace shoal::vm::test
