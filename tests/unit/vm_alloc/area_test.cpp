#include "servers/vm/frames/area.hpp"

#include <gtest/gtest.h>

namespace shoal::vm {
namespace {

TEST(AreaBits, PrefersWholeGroupsOfSixteen) {
    AreaBits bits;
    bits.give(1, 3);    // crumbs in front
    bits.give(64, 32);  // two whole groups
    uint16_t taken[32];
    ASSERT_EQ(bits.take_some(taken, 16), 16u);
    for (uint32_t i = 0; i < 16; ++i) EXPECT_EQ(taken[i], 64 + i);
    ASSERT_EQ(bits.take_some(taken, 20), 19u);  // the other group and the crumbs
    EXPECT_EQ(bits.count_free(), 0u);
}

TEST(AreaBits, TakesAlignedRunsOnly) {
    AreaBits bits;
    bits.give(3, 9);  // 3..11 holds the aligned run 8..11, and 4..7
    EXPECT_EQ(bits.take_aligned(3), -1);
    EXPECT_EQ(bits.take_aligned(2), 4);
    EXPECT_EQ(bits.take_aligned(2), 8);
    EXPECT_EQ(bits.take_aligned(2), -1);
    EXPECT_EQ(bits.count_free(), 1u);
}

TEST(AreaBits, TakesAWholeWord) {
    AreaBits bits;
    bits.give(64, 64);
    EXPECT_EQ(bits.take_aligned(6), 64);
}

TEST(AreaBits, ExactTakeIsAllOrNothing) {
    AreaBits bits;
    bits.give(50, 300);
    EXPECT_FALSE(bits.take_exact(60, 300));
    EXPECT_EQ(bits.count_free(), 300u);
    EXPECT_TRUE(bits.take_exact(60, 200));
    EXPECT_EQ(bits.count_free(), 100u);
    EXPECT_TRUE(bits.free(59));
    EXPECT_FALSE(bits.free(60));
    EXPECT_FALSE(bits.free(259));
    EXPECT_TRUE(bits.free(260));
}

TEST(AreaCount, WholeNeedsEveryFrame) {
    AreaCount count;
    count.give(511);
    EXPECT_FALSE(count.take_whole());
    count.give(1);
    EXPECT_TRUE(count.take_whole());
    EXPECT_EQ(count.promise(1), 0u);
    EXPECT_EQ(count.free(), 0u);
    count.give_whole();
    EXPECT_EQ(count.promise(600), 512u);
}

TEST(AreaDeathTest, CatchesDoubleFree) {
    AreaBits bits;
    bits.give(7, 1);
    EXPECT_DEATH(bits.give(0, 64), "frame freed twice");
}

}  // namespace
}  // namespace shoal::vm
