// The numbers that repeat or enlarge a run: from the environment, printed so that a failure can be had again.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace shoal::model {

inline uint64_t number_from_environment(const char* name, uint64_t otherwise) {
    const char* given = std::getenv(name);
    return given == nullptr ? otherwise : std::strtoull(given, nullptr, 0);
}

inline uint64_t chosen_seed() {
    const uint64_t seed = number_from_environment("SHOAL_SEED", std::random_device{}());
    std::printf("SHOAL_SEED=%llu\n", static_cast<unsigned long long>(seed));
    return seed;
}

}  // namespace shoal::model
