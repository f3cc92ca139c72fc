/* Time since boot; there is no calendar yet, so both clocks are the same. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/c_linkage.h"

#if defined(__cplusplus) && __STDC_HOSTED__ == 1
#include <time.h> /* on the host the types are the host's, which <atomic> and <thread> need anyway */
#else
typedef int64_t time_t;
typedef int clockid_t;
struct timespec {
    time_t tv_sec;
    long tv_nsec;
};
#endif

#undef CLOCK_REALTIME
#undef CLOCK_MONOTONIC
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1

SHOAL_C_BEGIN
int clock_gettime(clockid_t clock, struct timespec* now);
int clock_getres(clockid_t clock, struct timespec* resolution);
int nanosleep(const struct timespec* wanted, struct timespec* left);
time_t time(time_t* now);
SHOAL_C_END
