// Counters of one worker: written by it alone, summed when read. Relaxed loads and stores, no read-modify-write.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/cpu.hpp"

namespace shoal::vm {

class Counter {
  public:
    [[gnu::always_inline]] void add(uint64_t n = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    [[nodiscard]] uint64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<uint64_t> value_{0};
};

struct alignas(kCacheLine) WorkerStatistics {
    Counter faults, maps, unmaps, flushes_local, flushes_remote;
};

}  // namespace shoal::vm
