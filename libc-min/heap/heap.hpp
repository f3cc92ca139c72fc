// The heap behind malloc: small blocks from the calling thread's cache, refilled from the depot in batches; large ones mapped.
// Any thread may free what another allocated; the block goes into the freeing thread's cache.
#pragma once

#include <cstddef>

namespace shoal::libc {

// Aligned to 16. nullptr if memory is short.
void* allocate(size_t bytes);
// alignment: a power of two.
void* allocate_aligned(size_t alignment, size_t bytes);
// True if a fresh block of that size is zero without being cleared.
bool fresh_is_zero(size_t bytes);
// block: of allocate or allocate_aligned, not nullptr. A pointer that is neither ends the program.
void release(void* block);
[[nodiscard]] size_t usable_bytes(void* block);

// Gives the calling thread's cache back; for threads that end.
void flush_thread_cache();

}  // namespace shoal::libc
