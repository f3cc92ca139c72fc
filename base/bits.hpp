// Counting bits without the POPCNT instruction and without the compiler's support library, neither of which freestanding
// x86-64 code may presume.
#pragma once

#include <cstdint>

namespace shoal {

// Sums of neighbouring fields, doubling their width (Warren, "Hacker's Delight", 5-1).
constexpr uint32_t count_ones(uint64_t word) {
    word -= word >> 1 & 0x5555'5555'5555'5555;
    word = (word & 0x3333'3333'3333'3333) + (word >> 2 & 0x3333'3333'3333'3333);
    word = (word + (word >> 4)) & 0x0f0f'0f0f'0f0f'0f0f;
    return static_cast<uint32_t>(word * 0x0101'0101'0101'0101 >> 56);
}
static_assert(count_ones(0) == 0 && count_ones(~uint64_t{0}) == 64 && count_ones(0x8000'0000'0000'0001) == 2);

}  // namespace shoal
