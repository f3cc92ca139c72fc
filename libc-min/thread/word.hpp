// The words of the public C structures, as the atomics that they are to the library.
#pragma once

#include <atomic>
#include <cstdint>

namespace shoal::libc {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));
static_assert(std::atomic<uint32_t>::is_always_lock_free);

inline std::atomic<uint32_t>& atomic(uint32_t& word) {
    return reinterpret_cast<std::atomic<uint32_t>&>(word);
}

}  // namespace shoal::libc
