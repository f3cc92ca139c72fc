// Do the CPUs agree on the time? Each reads the largest time that any has published, then its own: a smaller one has gone back.
#include <atomic>

#include "kernel/smp/clock/clock.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::smp::clock {
namespace {

constinit std::atomic<uint64_t> latest{0}, worst{0};
constinit std::atomic<uint32_t> arrived{0};

void raise(std::atomic<uint64_t>& maximum, uint64_t value) {
    uint64_t seen = maximum.load(std::memory_order_relaxed);
    // Release pairs with the acquire load in meet_for_agreement(): who sees a time reads its own clock after it.
    while (seen < value && !maximum.compare_exchange_weak(seen, value, std::memory_order_release,
                                                          std::memory_order_relaxed)) {
    }
}

}  // namespace

void meet_for_agreement(uint32_t cpus) {
    constexpr unsigned kRounds = 500;
    arrived.fetch_add(1, std::memory_order_relaxed);
    while (arrived.load(std::memory_order_relaxed) < cpus) x86::pause();
    for (unsigned i = 0; i < kRounds; ++i) {
        const uint64_t before = latest.load(std::memory_order_acquire);  // pairs with raise()
        const uint64_t time = now();
        if (time < before) raise(worst, before - time);
        raise(latest, time);
        if (i % 16 == 0) x86::pause();
    }
}

uint64_t worst_disagreement() {
    return worst.load(std::memory_order_relaxed);
}

}  // namespace shoal::smp::clock
