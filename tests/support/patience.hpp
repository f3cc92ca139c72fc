// Patience: waiting for what another thread of the test does, in real time, and for so long that no load of the machine ends it.
#pragma once

#include <chrono>
#include <thread>

namespace shoal::test {

inline constexpr std::chrono::seconds kPatience{60};

// event(): whether it has happened. False: it has not, and will not.
template <typename Event>
bool comes_true(Event event) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!event()) {
        if (std::chrono::steady_clock::now() > end) return event();
        std::this_thread::yield();
    }
    return true;
}

}  // namespace shoal::test
