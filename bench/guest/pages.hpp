// Memory as the workloads take and touch it.
#pragma once

#include <stdlib.h>
#include <sys/mman.h>

namespace shoal::bench {

inline constexpr size_t kPage = 4096, kChunk = size_t{2} << 20;

inline char* map(size_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    return static_cast<char*>(memory);
}

// Through a volatile pointer: the stores are the work.
inline void touch(volatile char* start, size_t bytes) {
    for (size_t i = 0; i < bytes; i += kPage) start[i] = 1;
}

}  // namespace shoal::bench
