// Which accesses cost, and how much, as lines move between cores.
#include "bench/sim/model/line_directory.hpp"

#include <gtest/gtest.h>

#include "bench/sim/model/core.hpp"

namespace shoal::sim {
namespace {

class LineDirectoryTest : public testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(directory_.reserve(1 << 20)); }

    LineAccess load(unsigned core, uint64_t address, uint64_t now = 0) {
        return directory_.access(core, address, AccessKind::Load, now);
    }
    LineAccess store(unsigned core, uint64_t address, uint64_t now = 0) {
        return directory_.access(core, address, AccessKind::Store, now);
    }

    Charges charges_;
    LineDirectory directory_{charges_};
};

TEST_F(LineDirectoryTest, FirstTouchIsColdThenFree) {
    EXPECT_EQ(load(0, 4096).event, LineEvent::Cold);
    EXPECT_EQ(load(0, 4096).event, LineEvent::Hit);
    EXPECT_EQ(store(0, 4100).event, LineEvent::Hit);
    EXPECT_EQ(store(0, 4100).wait, 0U);
    EXPECT_EQ(load(0, 4096 + 64).wait, charges_.cold_line);
}

TEST_F(LineDirectoryTest, ReadersShare) {
    load(0, 0);
    EXPECT_EQ(load(1, 0).event, LineEvent::ReadMiss);
    EXPECT_EQ(load(0, 0).event, LineEvent::Hit);
    EXPECT_EQ(load(1, 0).event, LineEvent::Hit);
}

TEST_F(LineDirectoryTest, AWriterTakesTheLineFromAllReaders) {
    load(0, 0);
    load(1, 0);
    load(2, 0);
    const LineAccess taken = store(1, 0, 1000);
    EXPECT_EQ(taken.event, LineEvent::WriteMiss);
    EXPECT_EQ(taken.wait, charges_.remote_line);
    EXPECT_EQ(store(1, 0, 2000).event, LineEvent::Hit);
    EXPECT_EQ(load(0, 0, 3000).event, LineEvent::ReadMiss);
    EXPECT_EQ(load(2, 0, 4000).event, LineEvent::ReadMiss);
    // Shared again: the writer has to ask once more.
    EXPECT_EQ(store(1, 0, 5000).event, LineEvent::WriteMiss);
}

TEST_F(LineDirectoryTest, TransfersOfOneLineQueue) {
    store(0, 0, 0);
    EXPECT_EQ(store(1, 0, 1000).wait, charges_.remote_line);
    EXPECT_EQ(store(2, 0, 1000).wait, 2 * charges_.remote_line);
    EXPECT_EQ(store(3, 0, 1000).wait, 3 * charges_.remote_line);
    // Another line has its own queue.
    store(0, 64, 0);
    EXPECT_EQ(store(1, 64, 1000).wait, charges_.remote_line);
}

TEST_F(LineDirectoryTest, CleanCopiesAreServedSideBySide) {
    store(0, 0, 0);
    load(1, 0, 1000);  // from here on nobody has it alone
    EXPECT_EQ(load(2, 0, 1001).wait, charges_.remote_line);
    EXPECT_EQ(load(3, 0, 1001).wait, charges_.remote_line);
}

TEST_F(LineDirectoryTest, AStampOfAnotherEpochIsNoQueue) {
    store(0, 0, 1'000'000'000);
    EXPECT_EQ(store(1, 0, 500).wait, charges_.remote_line);
}

TEST_F(LineDirectoryTest, BeyondTheReservationNothingCosts) {
    EXPECT_EQ(store(0, 1 << 20).event, LineEvent::Hit);
    EXPECT_EQ(store(1, 1 << 20).event, LineEvent::Hit);
}

TEST_F(LineDirectoryTest, TheLastCore) {
    store(kMaxCores - 1, 0, 0);
    EXPECT_EQ(store(kMaxCores - 1, 0, 1).event, LineEvent::Hit);
    EXPECT_EQ(store(0, 0, 1000).event, LineEvent::WriteMiss);
}

}  // namespace
}  // namespace shoal::sim
