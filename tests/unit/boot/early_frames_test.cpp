#include "kernel/smp/memory/early_frames.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/unit/boot/bytes.hpp"

namespace shoal::smp {
namespace {

FrameRange range(uint64_t first, uint64_t count) { return {FrameNumber{first}, count}; }

void expect_sorted_and_apart(const EarlyFrames& frames) {
    for (uint32_t i = 0; i + 1 < frames.range_count(); ++i)
        ASSERT_LT(frames.range(i).end(), frames.range(i + 1).first);
}

TEST(EarlyFrames, JoinsNeighboursAndOverlaps) {
    EarlyFrames frames;
    frames.add(range(10, 10));
    frames.add(range(30, 10));
    frames.add(range(20, 10));
    ASSERT_EQ(frames.range_count(), 1u);
    EXPECT_EQ(frames.range(0), range(10, 30));
    frames.add(range(15, 100));
    EXPECT_EQ(frames.free_frames(), 105u);
}

TEST(EarlyFrames, ReservingTheMiddleLeavesBothEnds) {
    EarlyFrames frames;
    frames.add(range(10, 10));
    frames.reserve(range(12, 3));
    ASSERT_EQ(frames.range_count(), 2u);
    EXPECT_EQ(frames.range(0), range(10, 2));
    EXPECT_EQ(frames.range(1), range(15, 5));
    frames.reserve(range(0, 1000));
    EXPECT_EQ(frames.free_frames(), 0u);
}

TEST(EarlyFrames, TakesTheHighestFrameBelowALimit) {
    EarlyFrames frames;
    frames.add(range(2, 3));
    frames.add(range(300, 5));
    EXPECT_EQ(frames.take_below(PhysicalAddress{1 << 20}).raw(), 4u << kPageShift);
    EXPECT_EQ(frames.take_below(PhysicalAddress{1 << 20}).raw(), 3u << kPageShift);
    EXPECT_EQ(frames.take_below(PhysicalAddress{1 << 20}).raw(), 2u << kPageShift);
    EXPECT_EQ(frames.take_below(PhysicalAddress{1 << 20}).raw(), 0u);
}

TEST(EarlyFrames, LosesTheSmallestRangeWhenThereAreTooMany) {
    EarlyFrames frames;
    for (uint64_t i = 0; i < EarlyFrames::kMaxRanges; ++i) frames.add(range(i * 10, i == 7 ? 2 : 3));
    frames.add(range(100'000, 5));
    EXPECT_EQ(frames.range_count(), EarlyFrames::kMaxRanges);
    EXPECT_EQ(frames.lost_frames(), 2u);
    frames.keep_largest(1);
    EXPECT_EQ(frames.free_frames(), 5u);
}

TEST(EarlyFrames, AgreesWithASetOfFrames) {
    std::mt19937_64 random(boot::test::new_seed());
    for (int round = 0; round < 200; ++round) {
        EarlyFrames frames;
        std::set<uint64_t> expected;
        for (int step = 0; step < 60; ++step) {
            const uint64_t first = random() % 300, count = random() % 40;
            const bool add = random() % 2 == 0;
            if (add) frames.add(range(first, count));
            else frames.reserve(range(first, count));
            for (uint64_t f = first; f < first + count; ++f) {
                if (add) expected.insert(f);
                else expected.erase(f);
            }
            expect_sorted_and_apart(frames);
            ASSERT_EQ(frames.free_frames(), expected.size());
        }
        for (uint32_t i = 0; i < frames.range_count(); ++i)
            for (FrameNumber f = frames.range(i).first; f < frames.range(i).end(); f = f + 1)
                ASSERT_TRUE(expected.contains(f.raw()));
    }
}

}  // namespace
}  // namespace shoal::smp
