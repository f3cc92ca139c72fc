#include "libc-min/include/time.h"

#include "libc-min/include/errno.h"
#include "libc-min/include/unistd.h"
#include "libc-min/thread/duration.hpp"
#include "libc-min/thread/platform.hpp"

namespace {

using shoal::libc::kNanosecondsPerSecond;

// A word that nobody wakes: waiting on it is sleeping.
void sleep_for(uint64_t nanoseconds) {
    std::atomic<uint32_t> word{0};
    const uint64_t deadline = shoal::libc::platform::now() + nanoseconds;
    for (uint64_t now = shoal::libc::platform::now(); now < deadline;
         now = shoal::libc::platform::now())
        (void)shoal::libc::platform::wait_on_word(word, 0, deadline - now);
}

}  // namespace

SHOAL_C_BEGIN

int clock_gettime(clockid_t clock, struct timespec* now) {
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
        errno = EINVAL;
        return -1;
    }
    const auto nanoseconds = static_cast<int64_t>(shoal::libc::platform::now());
    *now = {nanoseconds / kNanosecondsPerSecond, nanoseconds % kNanosecondsPerSecond};
    return 0;
}

int clock_getres(clockid_t, struct timespec* resolution) {
    *resolution = {0, 1};
    return 0;
}

int nanosleep(const struct timespec* wanted, struct timespec* left) {
    if (!shoal::libc::is_valid(*wanted)) {
        errno = EINVAL;
        return -1;
    }
    sleep_for(shoal::libc::nanoseconds_in(*wanted));
    if (left != nullptr) *left = {0, 0};
    return 0;
}

unsigned sleep(unsigned seconds) {
    sleep_for(uint64_t{seconds} * kNanosecondsPerSecond);
    return 0;
}

int usleep(unsigned microseconds) {
    sleep_for(uint64_t{microseconds} * 1000);
    return 0;
}

time_t time(time_t* now) {
    const auto seconds = static_cast<time_t>(shoal::libc::platform::now()) / kNanosecondsPerSecond;
    if (now != nullptr) *now = seconds;
    return seconds;
}

SHOAL_C_END
