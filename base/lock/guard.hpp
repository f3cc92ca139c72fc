// Guards: locks held for a scope, and the tokens that prove it.
//
// A function that must be called with rank R held takes a `const Held<R>&`; a guard made from a token of rank F compiles
// only if R comes after F. Where no token shows the path, the guard is made from the LockContext and the order is
// checked at run time (debug).
#pragma once

#include "base/lock/spin_lock.hpp"

namespace shoal {

// Proof that its bearer holds a lock of this rank. Only guards make one.
template <auto kRank>
class Held {
  public:
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    [[nodiscard]] LockContext& context() const { return context_; }

  private:
    template <auto>
    friend class Guard;
    template <auto>
    friend class OrderedGuard;
    explicit Held(LockContext& context) : context_(context) {}
    LockContext& context_;
};

template <auto kRank>
class [[nodiscard]] SCOPED_CAPABILITY Guard {
  public:
    Guard(LockContext& context, SpinLock<kRank>& lock) ACQUIRE(lock)
        : lock_(lock), token_(context) {
        lock.lock(context);
    }
    template <auto kFrom>
    Guard(const Held<kFrom>& from, SpinLock<kRank>& lock) ACQUIRE(lock)
        : lock_(lock), token_(from.context()) {
        static_assert(kFrom < kRank, "lock rank inversion");
        lock.lock(token_.context());
    }
    ~Guard() RELEASE() { lock_.unlock(token_.context()); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    [[nodiscard]] const Held<kRank>& token() const { return token_; }

  private:
    SpinLock<kRank>& lock_;
    Held<kRank> token_;
};

// One of several locks of one rank.
template <auto kRank>
class [[nodiscard]] SCOPED_CAPABILITY OrderedGuard {
  public:
    OrderedGuard(LockContext& context, SpinLock<kRank>& lock, OrderKey key) ACQUIRE(lock)
        : lock_(lock), token_(context) {
        lock.lock_in_order(context, key);
    }
    ~OrderedGuard() RELEASE() { lock_.unlock(token_.context()); }
    OrderedGuard(const OrderedGuard&) = delete;
    OrderedGuard& operator=(const OrderedGuard&) = delete;

    [[nodiscard]] const Held<kRank>& token() const { return token_; }

  private:
    SpinLock<kRank>& lock_;
    Held<kRank> token_;
};

// Two locks of one rank, whichever order they are named in; by address where no keys are given.
template <auto kRank>
class [[nodiscard]] SCOPED_CAPABILITY PairGuard {
  public:
    PairGuard(LockContext& context, SpinLock<kRank>& a, SpinLock<kRank>& b) ACQUIRE(a, b)
        : PairGuard(context, a, OrderKey::of_address(&a), b, OrderKey::of_address(&b)) {}
    // The keys must differ.
    PairGuard(LockContext& context, SpinLock<kRank>& a, OrderKey key_a, SpinLock<kRank>& b,
              OrderKey key_b) ACQUIRE(a, b)
        : context_(context), a_(a), b_(b) {
        if (key_a < key_b) {
            a.lock_in_order(context, key_a);
            b.lock_in_order(context, key_b);
        } else {
            b.lock_in_order(context, key_b);
            a.lock_in_order(context, key_a);
        }
    }
    ~PairGuard() RELEASE() {
        a_.unlock(context_);
        b_.unlock(context_);
    }
    PairGuard(const PairGuard&) = delete;
    PairGuard& operator=(const PairGuard&) = delete;

  private:
    LockContext& context_;
    SpinLock<kRank>& a_;
    SpinLock<kRank>& b_;
};

}  // namespace shoal
