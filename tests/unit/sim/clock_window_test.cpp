// Clocks stay together: who waits for whom, and who is waited for.
#include "bench/sim/model/clock_window.hpp"

#include <gtest/gtest.h>

namespace shoal::sim {
namespace {

constexpr uint64_t kWindow = 500;

class ClockWindowTest : public testing::Test {
  protected:
    ClockWindowTest() { clocks_.set_count(3); }

    // Whether core `index` would have to wait now.
    bool waits(unsigned index) {
        bool waited = false;
        clocks_.keep(index, [&waited] {
            waited = true;
            return false;
        });
        return waited;
    }

    ClockWindow clocks_{kWindow};
};

TEST_F(ClockWindowTest, AloneNobodyWaits) {
    clocks_.run(0);
    clocks_.core(0).set_clock(1'000'000);
    EXPECT_FALSE(waits(0));
}

TEST_F(ClockWindowTest, WaitsBeyondTheWindowOnly) {
    clocks_.run(0);
    clocks_.run(1);
    clocks_.core(0).set_clock(kWindow);
    EXPECT_FALSE(waits(0));
    clocks_.core(0).set_clock(kWindow + 1);
    EXPECT_TRUE(waits(0));
    EXPECT_FALSE(waits(1));
}

TEST_F(ClockWindowTest, GoesOnWhenTheOtherIsWithinHalfTheWindow) {
    clocks_.run(0);
    clocks_.run(1);
    clocks_.core(0).set_clock(2000);
    unsigned pauses = 0;
    clocks_.keep(0, [&] {
        clocks_.core(1).advance(100);
        return ++pauses < 100;
    });
    EXPECT_EQ(clocks_.core(1).clock(), 2000 - kWindow / 2 + 50);
    EXPECT_FALSE(waits(0));
}

TEST_F(ClockWindowTest, IdleCoresAreNotWaitedFor) {
    clocks_.run(0);
    clocks_.run(1);
    clocks_.core(0).set_clock(10'000);
    EXPECT_TRUE(waits(0));
    clocks_.idle(1);
    EXPECT_FALSE(waits(0));
}

TEST_F(ClockWindowTest, WakesAtTheTimeOfTheSlowestRunning) {
    clocks_.run(0);
    clocks_.run(1);
    clocks_.core(0).set_clock(7000);
    clocks_.core(1).set_clock(6000);
    clocks_.wake(2);
    EXPECT_EQ(clocks_.core(2).clock(), 6000U);
}

TEST_F(ClockWindowTest, WakingDoesNotSetAClockBack) {
    clocks_.run(0);
    clocks_.core(0).set_clock(100);
    clocks_.core(2).set_clock(9000);
    clocks_.wake(2);
    EXPECT_EQ(clocks_.core(2).clock(), 9000U);
}

TEST_F(ClockWindowTest, AllMeetAtTheFurthest) {
    clocks_.core(1).set_clock(123);
    clocks_.meet();
    for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(clocks_.core(i).clock(), 123U);
    EXPECT_EQ(clocks_.furthest(), 123U);
}

TEST_F(ClockWindowTest, TheCountOnlyGrows) {
    clocks_.set_count(2);
    EXPECT_EQ(clocks_.count(), 3U);
}

TEST_F(ClockWindowTest, KnowsWhetherAnyRuns) {
    EXPECT_FALSE(clocks_.any_running());
    clocks_.run(1);
    clocks_.run(1);
    clocks_.idle(1);
    EXPECT_FALSE(clocks_.any_running());
}

}  // namespace
}  // namespace shoal::sim
