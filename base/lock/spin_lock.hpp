// SpinLock<rank>: a word that names its owner. Test-and-test-and-set: the locks here are fine-grained and rarely
// contended, so that a queue lock's second line would cost more than its fairness gives.
//
// Guarantees. (a) Mutual exclusion. (b) What was written under the lock is visible to its next owner. (c) The word is 0 or
// owner + 1, so that a crash's debris names the dead owner. Progress: blocking, unfair.
#pragma once

#include <atomic>

#include "base/lock/lock_context.hpp"
#include "base/thread_safety.hpp"

namespace shoal {

template <auto kRank>
class CAPABILITY("spin lock") SpinLock {
  public:
    SpinLock() = default;
    SpinLock(const SpinLock&) = delete;
    SpinLock& operator=(const SpinLock&) = delete;

    void lock(LockContext& context) ACQUIRE() {
        context.held().entering(rank_index(kRank));
        take(context);
        context.held().entered(rank_index(kRank));
    }
    // One of several of this rank, taken in rising order of keys.
    void lock_in_order(LockContext& context, OrderKey key) ACQUIRE() {
        context.held().entering(rank_index(kRank), key);
        take(context);
        context.held().entered(rank_index(kRank), key.raw());
    }
    // Never waits; obeys the order all the same, so that its callers cannot come to depend on breaking it.
    [[nodiscard]] bool try_lock(LockContext& context) TRY_ACQUIRE(true) {
        context.held().entering(rank_index(kRank));
        if (!take_once(context)) return false;
        context.held().entered(rank_index(kRank));
        return true;
    }
    void unlock(LockContext& context) RELEASE() {
        SHOAL_ASSERT(held_by(context));
        context.held().left(rank_index(kRank));
        word_.store(
            0,
            std::memory_order_release);  // pairs with take_once(): the next owner sees our writes
    }

    [[nodiscard]] bool held_by(const LockContext& context) const {
        return word_.load(std::memory_order_relaxed) == context.owner_word();
    }
    // Owner's CPU number + 1, 0 when free; a hint to everyone but the owner.
    [[nodiscard]] uint32_t owner_word() const { return word_.load(std::memory_order_relaxed); }
    // After a crash, when the owner is dead and what it protects has been repaired.
    void reset() { word_.store(0, std::memory_order_relaxed); }

  private:
    [[nodiscard]] bool take_once(LockContext& context) {
        uint32_t expected = 0;
        // acquire pairs with the release in unlock()
        return word_.compare_exchange_strong(expected, context.owner_word(),
                                             std::memory_order_acquire, std::memory_order_relaxed);
    }
    void take(LockContext& context) {
        SHOAL_ASSERT(!held_by(context));
        while (!take_once(context)) wait_until_free(context);
    }
    __attribute__((noinline)) void wait_until_free(LockContext& context) {
        while (word_.load(std::memory_order_relaxed) != 0) {
            __builtin_ia32_pause();
            relax_while_spinning(context);
        }
    }

    std::atomic<uint32_t> word_{0};
};

}  // namespace shoal
