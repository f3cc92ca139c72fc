// Condition variables: a sequence number that every signal raises. A waiter notes it while it holds the mutex and sleeps only
// while it has not changed, so no signal after that is lost; waking without one is allowed (POSIX, spurious wake-ups).
#include "libc-min/include/errno.h"
#include "libc-min/thread/duration.hpp"
#include "libc-min/thread/platform.hpp"
#include "libc-min/thread/public_names.hpp"
#include "libc-min/thread/word.hpp"

namespace {

using shoal::Error;
using shoal::libc::atomic;
namespace platform = shoal::libc::platform;

// Sleeps between unlock and lock of the mutex. 0, ETIMEDOUT, or what unlocking said: then nothing has happened.
template <typename Condition, typename Sleep>
int wait_unlocked(Condition* condition, auto* mutex, Sleep sleep) {
    const uint32_t seen = atomic(condition->sequence).load(std::memory_order_relaxed);
    // seq_cst: pairs with wake(): it raises the sequence and then looks for waiters, we count ourselves and then let the kernel
    // look at the sequence; one of the two sees the other.
    atomic(condition->waiters).fetch_add(1, std::memory_order_seq_cst);
    const int refused = pthread_mutex_unlock(mutex);
    const Error error = refused != 0 ? Error::None : sleep(atomic(condition->sequence), seen);
    atomic(condition->waiters).fetch_sub(1, std::memory_order_relaxed);
    if (refused != 0) return refused;
    (void)pthread_mutex_lock(mutex);
    return error == Error::TimedOut ? ETIMEDOUT : 0;
}

template <typename Condition>
void wake(Condition* condition, uint32_t count) {
    // seq_cst: pairs with wait_unlocked()
    atomic(condition->sequence).fetch_add(1, std::memory_order_seq_cst);
    if (atomic(condition->waiters).load(std::memory_order_seq_cst) != 0)
        platform::wake_word(atomic(condition->sequence), count);
}

}  // namespace

SHOAL_C_BEGIN

int pthread_cond_init(pthread_cond_t* condition, const pthread_condattr_t*) {
    *condition = PTHREAD_COND_INITIALIZER;
    return 0;
}

int pthread_cond_destroy(pthread_cond_t* condition) {
    return atomic(condition->waiters).load(std::memory_order_relaxed) == 0 ? 0 : EBUSY;
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    return wait_unlocked(condition, mutex, [](std::atomic<uint32_t>& sequence, uint32_t seen) {
        return platform::wait_on_word(sequence, seen);
    });
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const struct timespec* until) {
    if (!shoal::libc::is_valid(*until)) return EINVAL;
    const uint64_t deadline = shoal::libc::nanoseconds_in(*until);
    return wait_unlocked(condition, mutex, [deadline](std::atomic<uint32_t>& sequence, uint32_t seen) {
        const uint64_t now = platform::now();
        if (now >= deadline) return Error::TimedOut;
        return platform::wait_on_word(sequence, seen, deadline - now);
    });
}

int pthread_cond_signal(pthread_cond_t* condition) {
    wake(condition, 1);
    return 0;
}

int pthread_cond_broadcast(pthread_cond_t* condition) {
    wake(condition, platform::kAll);
    return 0;
}

SHOAL_C_END
