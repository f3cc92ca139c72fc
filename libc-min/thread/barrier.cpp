// Barriers: the last to arrive starts the next phase, the others sleep until the phase changes.
#include "libc-min/include/errno.h"
#include "libc-min/thread/platform.hpp"
#include "libc-min/thread/public_names.hpp"
#include "libc-min/thread/word.hpp"

SHOAL_C_BEGIN

int pthread_barrier_init(pthread_barrier_t* barrier, const pthread_barrierattr_t*, unsigned count) {
    if (count == 0) return EINVAL;
    *barrier = {count, 0, 0};
    return 0;
}

int pthread_barrier_destroy(pthread_barrier_t* barrier) {
    return shoal::libc::atomic(barrier->arrived).load(std::memory_order_relaxed) == 0 ? 0 : EBUSY;
}

int pthread_barrier_wait(pthread_barrier_t* barrier) {
    auto& arrived = shoal::libc::atomic(barrier->arrived);
    auto& phase = shoal::libc::atomic(barrier->phase);
    const uint32_t mine = phase.load(std::memory_order_relaxed);
    // acq_rel: pairs with itself in the others: the last one sees all that was done before the barrier
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == barrier->expected) {
        arrived.store(0, std::memory_order_relaxed);
        phase.store(mine + 1, std::memory_order_release);  // pairs with the acquire load below
        shoal::libc::platform::wake_word(phase, shoal::libc::platform::kAll);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    while (phase.load(std::memory_order_acquire) == mine)  // pairs with the release store above
        (void)shoal::libc::platform::wait_on_word(phase, mine);
    return 0;
}

SHOAL_C_END
