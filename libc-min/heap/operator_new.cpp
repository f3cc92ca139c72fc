// C++ allocation. There are no exceptions: a plain new that finds no memory ends the program.
#include <cstddef>
#include <new>

#include "base/assert.hpp"
#include "libc-min/heap/heap.hpp"

namespace {

void* or_end(void* block) {
    SHOAL_CHECK(block != nullptr);
    return block;
}

}  // namespace

const std::nothrow_t std::nothrow{};

void* operator new(size_t bytes) { return or_end(shoal::libc::allocate(bytes)); }
void* operator new[](size_t bytes) { return or_end(shoal::libc::allocate(bytes)); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
    return shoal::libc::allocate(bytes);
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
    return shoal::libc::allocate(bytes);
}
void* operator new(size_t bytes, std::align_val_t alignment) {
    return or_end(shoal::libc::allocate_aligned(static_cast<size_t>(alignment), bytes));
}
void* operator new[](size_t bytes, std::align_val_t alignment) {
    return or_end(shoal::libc::allocate_aligned(static_cast<size_t>(alignment), bytes));
}

void operator delete(void* block) noexcept {
    if (block != nullptr) shoal::libc::release(block);
}
void operator delete[](void* block) noexcept { operator delete(block); }
void operator delete(void* block, size_t) noexcept { operator delete(block); }
void operator delete[](void* block, size_t) noexcept { operator delete(block); }
void operator delete(void* block, std::align_val_t) noexcept { operator delete(block); }
void operator delete[](void* block, std::align_val_t) noexcept { operator delete(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { operator delete(block); }
void operator delete[](void* block, size_t, std::align_val_t) noexcept { operator delete(block); }
