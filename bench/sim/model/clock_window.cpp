#include "bench/sim/model/clock_window.hpp"

#include <algorithm>

namespace shoal::sim {

void ClockWindow::set_count(unsigned count) {
    unsigned known = count_.load(std::memory_order_relaxed);
    while (known < count &&
           !count_.compare_exchange_weak(known, count, std::memory_order_relaxed)) {
    }
}

void ClockWindow::set_running(unsigned index, bool running) {
    Core& core = cores_[index];
    if (core.running_.load(std::memory_order_relaxed) == running) return;
    if (core.running_.exchange(running, std::memory_order_relaxed) != running)
        running_.fetch_add(running ? 1 : -1, std::memory_order_relaxed);
}

uint64_t ClockWindow::slowest_other(unsigned index) const {
    uint64_t slowest = kNobody;
    for (unsigned i = 0, n = count(); i < n; ++i)
        if (i != index && cores_[i].running_.load(std::memory_order_relaxed))
            slowest = std::min(slowest, cores_[i].clock());
    return slowest;
}

uint64_t ClockWindow::furthest() const {
    uint64_t furthest = 0;
    for (unsigned i = 0, n = count(); i < n; ++i) furthest = std::max(furthest, cores_[i].clock());
    return furthest;
}

void ClockWindow::wake(unsigned index) {
    const uint64_t slowest = slowest_other(index);
    if (slowest != kNobody && cores_[index].clock() < slowest) cores_[index].set_clock(slowest);
    run(index);
}

void ClockWindow::meet() {
    const uint64_t latest = furthest();
    for (unsigned i = 0, n = count(); i < n; ++i) cores_[i].set_clock(latest);
}

}  // namespace shoal::sim
