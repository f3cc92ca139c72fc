// The middle one of a few measurements: some may be spoilt without harm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace shoal::smp {

// Sorts the values by insertion.
template <size_t count>
uint64_t median(uint64_t (&values)[count]) {
    for (size_t i = 1; i < count; ++i)
        for (size_t k = i; k > 0 && values[k] < values[k - 1]; --k) std::swap(values[k], values[k - 1]);
    return values[count / 2];
}

}  // namespace shoal::smp
