// The rows of the suite "vm": a round of each, and how many operations that is. The sizes are those with which other systems have been measured.
#pragma once

#include <cstdint>

namespace shoal::bench {

inline constexpr uint64_t kForks = 8, kSinglePages = 256, kRemaps = 16, kMaps = 16, kSwaps = 16;

void brk_round(unsigned actor);
void cache_round(unsigned actor);
void cow_round(unsigned actor);
void file_round(unsigned actor);
void fork_round(unsigned actor);
void map_memory_round(unsigned actor);
void mprotect_round(unsigned actor);
void remap_round(unsigned actor);
void swap_round(unsigned actor);

}  // namespace shoal::bench
