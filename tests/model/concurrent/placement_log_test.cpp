// The log of placements tells maps over each other from maps after each other.
#include "tests/model/concurrent/placement_log.hpp"

#include <gtest/gtest.h>

#include "abi/memory.hpp"

namespace shoal::model {
namespace {

Placement placement(uint8_t space, uint64_t address, uint64_t pages, uint64_t from, uint64_t until) {
    Placement made{{}, address, from, until};
    made.map.kind = Kind::Map;
    made.map.space = space;
    made.map.bytes = pages * kPageSize;
    return made;
}

TEST(PlacementLog, AcceptsNeighboursAndSuccessorsAndOtherSpaces) {
    EXPECT_EQ(check_placements({{placement(0, 0x1000, 2, 1, 9), placement(0, 0x1000, 2, 12, 20)},
                                {placement(0, 0x3000, 1, 2, 30), placement(1, 0x1000, 4, 2, 30)}}),
              "");
}

TEST(PlacementLog, RefusesTwoAtOnceInOnePlace) {
    const Placement first = placement(0, 0x1000, 4, 1, 9);
    EXPECT_NE(check_placements({{first}, {placement(0, 0x1000, 1, 8, 20)}}), "");
    EXPECT_NE(check_placements({{first}, {placement(0, 0x4000, 4, 2, 3)}}), "");
    EXPECT_NE(check_placements({{first, placement(0, 0x2000, 1, 3, 4)}}), "");
    EXPECT_NE(check_placements({{placement(0, 0x0000, 64, 5, ~uint64_t{0}), placement(0, 0x0000, 1, 1, 2)},
                                {placement(0, 0x20000, 1, 7, ~uint64_t{0})}}),
              "");
}

}  // namespace
}  // namespace shoal::model
