// Clocks and sleeping.
#include <gtest/gtest.h>

#include <cerrno>

#include "libc-min/include/time.h"
#include "libc-min/include/unistd.h"
#include "libc-min/thread/duration.hpp"
#include "libc-min/thread/platform.hpp"

namespace shoal::libc {
int* shoal_errno();
}

namespace {

namespace ours = shoal::libc;

uint64_t nanoseconds(const timespec& time) { return ours::nanoseconds_in(time); }

TEST(Clock, BothClocksCountTheTimeSinceBoot) {
    for (const int clock : {CLOCK_REALTIME, CLOCK_MONOTONIC}) {
        timespec first{}, second{};
        const uint64_t before = ours::platform::now();
        ASSERT_EQ(ours::clock_gettime(clock, &first), 0);
        ASSERT_EQ(ours::clock_gettime(clock, &second), 0);
        const uint64_t after = ours::platform::now();
        EXPECT_TRUE(ours::is_valid(first) && ours::is_valid(second));
        EXPECT_LE(before, nanoseconds(first));
        EXPECT_LE(nanoseconds(first), nanoseconds(second));
        EXPECT_LE(nanoseconds(second), after);
    }
    timespec resolution{};
    EXPECT_EQ(ours::clock_getres(CLOCK_MONOTONIC, &resolution), 0);
    EXPECT_EQ(nanoseconds(resolution), 1u);
}

TEST(Clock, OthersAreRefused) {
    timespec time{};
    *ours::shoal_errno() = 0;
    EXPECT_EQ(ours::clock_gettime(17, &time), -1);
    EXPECT_EQ(*ours::shoal_errno(), EINVAL);
}

TEST(Clock, TimeCountsWholeSeconds) {
    time_t stored = 0;
    const time_t got = ours::time(&stored);
    EXPECT_EQ(got, stored);
    EXPECT_NEAR(static_cast<double>(got), static_cast<double>(ours::platform::now()) / 1e9, 2.0);
    EXPECT_LE(got, ours::time(nullptr));
}

TEST(Sleep, LastsAtLeastAsLongAsAsked) {
    const auto slept = [](auto&& sleep) {
        const uint64_t before = ours::platform::now();
        sleep();
        return ours::platform::now() - before;
    };
    const timespec wanted = {0, 3'000'000};
    timespec left = {1, 1};
    EXPECT_GE(slept([&] { EXPECT_EQ(ours::nanosleep(&wanted, &left), 0); }), 3'000'000u);
    EXPECT_EQ(nanoseconds(left), 0u);
    EXPECT_GE(slept([] { EXPECT_EQ(ours::usleep(2000), 0); }), 2'000'000u);
    EXPECT_EQ(ours::sleep(0), 0u);
}

TEST(Sleep, RefusesWhatIsNoTime) {
    for (const timespec bad : {timespec{-1, 0}, timespec{0, -1}, timespec{0, 1'000'000'000}}) {
        *ours::shoal_errno() = 0;
        EXPECT_EQ(ours::nanosleep(&bad, nullptr), -1);
        EXPECT_EQ(*ours::shoal_errno(), EINVAL);
    }
}

TEST(Duration, SaturatesInsteadOfWrapping) {
    EXPECT_EQ(nanoseconds({1, 5}), 1'000'000'005u);
    EXPECT_EQ(nanoseconds({INT64_MAX, 999'999'999}), ours::kLongestDuration);
    EXPECT_EQ(nanoseconds({10'000'000'000, 0}), ours::kLongestDuration);
    EXPECT_LT(nanoseconds({4'600'000'000, 999'999'999}), ours::kLongestDuration);
    EXPECT_GT(ours::kLongestDuration + ours::kLongestDuration, ours::kLongestDuration) << "the sum of two";
}

}  // namespace
