// The lock beneath every lock of the library: one word, no system call unless threads meet.
//
// States and transitions are those of the second mutex in Drepper, "Futexes are tricky" (2011): 0 free, 1 held, 2 held and
// someone may sleep. Who slept takes it as 2, because others may sleep still. Not fair; a sleeper is woken in order of arrival.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/thread_safety.hpp"
#include "libc-min/thread/platform.hpp"

namespace shoal::libc::lock_word {

inline constexpr uint32_t kFree = 0, kHeld = 1, kContended = 2;

inline bool try_lock(std::atomic<uint32_t>& word) {
    uint32_t expected = kFree;
    // acquire: pairs with the release of unlock()
    return word.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                        std::memory_order_relaxed);
}

inline void lock(std::atomic<uint32_t>& word) {
    if (try_lock(word)) return;
    // acquire: pairs with the release of unlock()
    while (word.exchange(kContended, std::memory_order_acquire) != kFree)
        (void)platform::wait_on_word(word, kContended);
}

inline void unlock(std::atomic<uint32_t>& word) {
    // release: pairs with the acquire of lock() and try_lock()
    if (word.exchange(kFree, std::memory_order_release) == kContended)
        platform::wake_word(word, 1);
}

}  // namespace shoal::libc::lock_word

namespace shoal::libc {

// The same as an object, for the library's own data. Never held over a call into user code.
class CAPABILITY("mutex") Lock {
  public:
    void lock() ACQUIRE() { lock_word::lock(word_); }
    void unlock() RELEASE() { lock_word::unlock(word_); }

  private:
    std::atomic<uint32_t> word_{lock_word::kFree};
};

class SCOPED_CAPABILITY LockGuard {
  public:
    explicit LockGuard(Lock& lock) ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
    ~LockGuard() RELEASE() { lock_.unlock(); }
    LockGuard(const LockGuard&) = delete;
    LockGuard& operator=(const LockGuard&) = delete;

  private:
    Lock& lock_;
};

}  // namespace shoal::libc
