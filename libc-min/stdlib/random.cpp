// rand: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). Any thread may call it; the
// state is a counter, so that one addition suffices.
#include <atomic>
#include <cstdint>

#include "libc-min/include/stdlib.h"

namespace {

constinit std::atomic<uint64_t> state{1};

uint64_t scramble(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
    return z ^ (z >> 31);
}

}  // namespace

SHOAL_C_BEGIN

int rand(void) {
    const uint64_t z = state.fetch_add(0x9e37'79b9'7f4a'7c15, std::memory_order_relaxed);
    return static_cast<int>(scramble(z) & RAND_MAX);
}

void srand(unsigned seed) { state.store(seed, std::memory_order_relaxed); }

SHOAL_C_END
