// A span: 64 KiB, aligned to that, cut into blocks of one size; or the start of a mapping that holds one large block. Its header
// comes first, so that a block finds it by its own address: a block never starts at a span's first byte.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libc-min/heap/size_class.hpp"

namespace shoal::libc {

struct Span {
    static constexpr size_t kBytes = size_t{64} << 10;
    static constexpr size_t kHeaderBytes = 64;
    static constexpr uint64_t kMagic = 0x6e61'7053'6c61'6f68;  // what free() must find
    static constexpr uint32_t kLarge = ~uint32_t{0};

    uint64_t magic;
    uint32_t size_class;   // index, or kLarge
    uint32_t block_bytes;  // of a small span
    uint64_t mapping_bytes;  // of a large one, from this header on

    static Span* of(const void* block) {
        return reinterpret_cast<Span*>((reinterpret_cast<uintptr_t>(block) - 1) & ~(kBytes - 1));
    }
    [[nodiscard]] bool is_large() const { return size_class == kLarge; }
    [[nodiscard]] char* start() { return reinterpret_cast<char*>(this); }
    [[nodiscard]] char* first_block() { return start() + kHeaderBytes; }

    // The block in which an address lies: aligned allocations hand out the inside of one.
    [[nodiscard]] char* block_around(void* inside) {
        const auto offset = static_cast<uint32_t>(static_cast<char*>(inside) - first_block());
        return first_block() + offset / block_bytes * block_bytes;
    }
};
static_assert(sizeof(Span) <= Span::kHeaderBytes);

}  // namespace shoal::libc
