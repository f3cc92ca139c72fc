// The host's clock, by system call: clock_gettime() itself is ours (guest_time.cpp).
#pragma once

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

namespace shoal::sim {

inline constexpr uint64_t kNanosecondsASecond = 1'000'000'000;

inline uint64_t host_nanoseconds() {
    timespec now{};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * kNanosecondsASecond +
           static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace shoal::sim
