// Times of POSIX as the nanoseconds that the system below counts in.
#pragma once

#include <cstdint>

namespace shoal::libc {

inline constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;
// 146 years: what is longer counts as this, so that sums of two do not overflow.
inline constexpr uint64_t kLongestDuration = uint64_t{1} << 62;

// timespec: the host's or the library's own.
template <typename Timespec>
constexpr bool is_valid(const Timespec& time) {
    return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < kNanosecondsPerSecond;
}

// Of a valid one.
template <typename Timespec>
constexpr uint64_t nanoseconds_in(const Timespec& time) {
    constexpr auto kMostSeconds = static_cast<int64_t>(kLongestDuration) / kNanosecondsPerSecond;
    if (time.tv_sec >= kMostSeconds) return kLongestDuration;
    return static_cast<uint64_t>(time.tv_sec * kNanosecondsPerSecond + time.tv_nsec);
}

}  // namespace shoal::libc
