// Keeps the clocks of the running cores together: none runs ahead of the slowest by more than a window, so that what happens on
// several cores happens in the order of simulated time, give or take the window.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "bench/sim/model/core.hpp"

namespace shoal::sim {

class ClockWindow {
  public:
    explicit ClockWindow(uint64_t cycles) : window_(cycles) {}

    Core& core(unsigned index) { return cores_[index]; }
    // At most kMaxCores; the number only grows.
    void set_count(unsigned count);
    [[nodiscard]] unsigned count() const { return count_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool any_running() const { return running_.load(std::memory_order_relaxed) > 0; }
    [[nodiscard]] uint64_t furthest() const;

    // A core executes: it counts among those whom the others wait for.
    void run(unsigned index) { set_running(index, true); }
    // A core has nothing to do; its clock stands.
    void idle(unsigned index) { set_running(index, false); }
    // An idle core goes on, at the time of the slowest that did not idle.
    void wake(unsigned index);
    // All clocks meet at the furthest one.
    void meet();

    // Waits while this core is ahead by more than the window. pause() is called again and again meanwhile and gives up by
    // returning false: a core may be stopped for reasons of the emulator's own.
    template <typename Pause>
    void keep(unsigned index, Pause pause) {
        Core& self = cores_[index];
        const uint64_t now = self.clock();
        if (now <= self.free_until_) return;
        uint64_t slowest = slowest_other(index);
        if (slowest != kNobody && now > slowest + window_) {
            // To half the window, so that two cores do not hand over at every block.
            while (slowest != kNobody && now > slowest + window_ / 2) {
                if (!pause()) return;
                slowest = slowest_other(index);
            }
        }
        // Clocks of running cores do not go back, so this holds without another look. Alone, it looks again after a window:
        // somebody may have woken.
        self.free_until_ = (slowest == kNobody ? now : slowest) + window_;
    }

  private:
    static constexpr uint64_t kNobody = ~uint64_t{0};
    void set_running(unsigned index, bool running);
    [[nodiscard]] uint64_t slowest_other(unsigned index) const;

    uint64_t window_;
    std::atomic<unsigned> count_{0};
    std::atomic<int> running_{0};
    std::array<Core, kMaxCores> cores_;
};

}  // namespace shoal::sim
