// The memory in which two actors, threads or processes, go through the same steps together.
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/endpoint.hpp"
#include "base/cpu.hpp"
#include "bench/guest/conflicts/place.hpp"

namespace shoal::bench {

class Lockstep {
  public:
    // Returns when both actors have come here. Spins: both stay on their CPUs.
    void meet() {
        const uint32_t turn = turn_.load(std::memory_order_acquire);  // pairs with the release below
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == kActors) {  // pairs with itself
            arrived_.store(0, std::memory_order_relaxed);
            turn_.store(turn + 1, std::memory_order_release);  // pairs with the acquires
            return;
        }
        while (turn_.load(std::memory_order_acquire) == turn) {  // pairs with the release above
        }
    }

    Endpoint servers[kActors];

  private:
    alignas(kCacheLine) std::atomic<uint32_t> turn_{0};
    alignas(kCacheLine) std::atomic<uint32_t> arrived_{0};
};

}  // namespace shoal::bench
