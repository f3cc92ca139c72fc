// WorkerEpoch: how the kernel tells VM's workers which of them may hold pointers into shared structures. One word per
// worker, in VM's memory, named by kernel call worker_ready; written by the kernel on that worker's CPU alone (on the host
// by the thread that plays the worker), read by all workers.
//
// Odd: the worker is inside since that entry. Even: it is blocked in receive (or has not started). Each entry makes the word
// a new odd number, also when the worker receives the next message without blocking; so whoever sees the word change, or
// sees it even, knows that pointers found before are gone.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/fence.hpp"

namespace shoal {

class WorkerEpoch {
  public:
    // Before VM's space is loaded (or, without a switch, before the message is handed over). The caller then executes a
    // full barrier before the worker's first load: SYSRET and IRET are none, a CR3 load is; else use enter_fenced().
    void enter() { word_.store((load() + 1) | 1, std::memory_order_release); }
    // With the barrier: pairs with the fence in VM's Reclaimer::start(): either the reclaimer sees us inside, or we see what
    // it unlinked.
    void enter_fenced() {
        enter();
        full_fence();
    }
    // When the worker blocks. release: its reads are over; pairs with value().
    void leave() { word_.store((load() + 1) & ~uint64_t{1}, std::memory_order_release); }

    [[nodiscard]] uint64_t value() const { return word_.load(std::memory_order_acquire); }
    static constexpr bool inside(uint64_t value) { return (value & 1) != 0; }

  private:
    [[nodiscard]] uint64_t load() const { return word_.load(std::memory_order_relaxed); }
    std::atomic<uint64_t> word_{0};
};
static_assert(sizeof(WorkerEpoch) == 8);

}  // namespace shoal
