// The C names of the heap.
#include <bit>

#include "libc-min/heap/heap.hpp"
#include "libc-min/include/errno.h"
#include "libc-min/include/stdlib.h"
#include "libc-min/include/string.h"

namespace {

void* or_no_memory(void* block) {
    if (block == nullptr) errno = ENOMEM;
    return block;
}

}  // namespace

SHOAL_C_BEGIN

void* malloc(size_t bytes) { return or_no_memory(shoal::libc::allocate(bytes)); }

void* calloc(size_t count, size_t size) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) return or_no_memory(nullptr);
    void* block = malloc(bytes);
    if (block != nullptr && !shoal::libc::fresh_is_zero(bytes)) memset(block, 0, bytes);
    return block;
}

void free(void* block) {
    if (block != nullptr) shoal::libc::release(block);
}

void* realloc(void* block, size_t bytes) {
    if (block == nullptr) return malloc(bytes);
    const size_t usable = shoal::libc::usable_bytes(block);
    if (bytes <= usable && bytes >= usable / 2) return block;
    void* moved = malloc(bytes);
    if (moved == nullptr) return nullptr;
    memcpy(moved, block, usable < bytes ? usable : bytes);
    free(block);
    return moved;
}

void* aligned_alloc(size_t alignment, size_t bytes) {
    if (!std::has_single_bit(alignment)) {
        errno = EINVAL;
        return nullptr;
    }
    return or_no_memory(shoal::libc::allocate_aligned(alignment, bytes));
}

int posix_memalign(void** block, size_t alignment, size_t bytes) {
    if (!std::has_single_bit(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
    void* found = shoal::libc::allocate_aligned(alignment, bytes);
    if (found == nullptr) return ENOMEM;
    *block = found;
    return 0;
}

size_t malloc_usable_size(void* block) {
    return block == nullptr ? 0 : shoal::libc::usable_bytes(block);
}

SHOAL_C_END
