// HeldRanks: the run-time check of the lock order. One per worker or CPU, written by it alone.
//
// Debug builds keep a bit per held rank; taking rank r requires (held >> r) == 0. Locks of one rank nest only with rising
// keys. Release builds keep nothing (kCheckLockOrder), but the layout is the same.
#pragma once

#include <cstdint>

#include "base/assert.hpp"
#include "base/lock/ranks.hpp"

namespace shoal {

#ifdef NDEBUG
inline constexpr bool kCheckLockOrder = false;
#else
inline constexpr bool kCheckLockOrder = true;
#endif

class HeldRanks {
  public:
    static constexpr unsigned kRanks = 8;

    // Before a lone lock of that rank is waited for.
    void entering(unsigned rank) {
        if constexpr (kCheckLockOrder) {
            SHOAL_ASSERT((mask_ >> rank) == 0 && "lock rank inversion");
        }
    }
    // Before one of several locks of that rank: its key must be above that of the last one.
    void entering(unsigned rank, OrderKey key) {
        if constexpr (kCheckLockOrder) {
            SHOAL_ASSERT((mask_ >> rank >> 1) == 0 && "lock rank inversion");
            SHOAL_ASSERT(
                (count_[rank] == 0 || (last_key_[rank] != kLone && last_key_[rank] < key.raw())) &&
                "locks of one rank out of order");
        }
    }
    void entered(unsigned rank, uint64_t key = kLone) {
        if constexpr (kCheckLockOrder) {
            mask_ |= 1u << rank;
            ++count_[rank];
            last_key_[rank] = key;
        }
    }
    // Locks of one rank may be dropped in any order; the key of the last taken stays the bound until all are dropped.
    void left(unsigned rank) {
        if constexpr (kCheckLockOrder) {
            SHOAL_ASSERT(count_[rank] > 0 && "lock released that is not held");
            if (--count_[rank] == 0) mask_ &= ~(1u << rank);
        }
    }
    // True if nothing is held; always true in release builds.
    [[nodiscard]] bool none() const { return mask_ == 0; }
    [[nodiscard]] bool holds(unsigned rank) const { return (mask_ >> rank & 1) != 0; }
    // A new instance of a server takes over: its predecessor's locks are reset one by one beside this.
    void forget() { *this = HeldRanks{}; }

  private:
    static constexpr uint64_t kLone = ~uint64_t{0};
    uint32_t mask_ = 0;
    uint8_t count_[kRanks] = {};
    uint64_t last_key_[kRanks] = {};
};

}  // namespace shoal
