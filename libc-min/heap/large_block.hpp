// Blocks beyond the largest size class: a mapping each, given back when the block is freed.
#pragma once

#include <cstddef>

#include "libc-min/heap/span.hpp"

namespace shoal::libc {

// alignment: a power of two. nullptr if memory is short. The memory is zero.
void* allocate_large(size_t bytes, size_t alignment);
void release_large(Span* span);

}  // namespace shoal::libc
