// Seeds of random tests: new each run, printed, and set again by SHOAL_SEED.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace shoal::test {

inline uint64_t seed() {
    const char* given = std::getenv("SHOAL_SEED");
    const uint64_t chosen = given != nullptr ? std::strtoull(given, nullptr, 0)
                                             : std::random_device{}();
    std::printf("SHOAL_SEED=%llu\n", static_cast<unsigned long long>(chosen));
    return chosen;
}

}  // namespace shoal::test
