#include "libc-min/heap/large_block.hpp"

#include <new>

#include "base/address.hpp"
#include "libc-min/thread/platform.hpp"

namespace shoal::libc {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 46;

constexpr uintptr_t round_up(uintptr_t value, size_t step) { return (value + step - 1) & ~(step - 1); }

// Distance from the header to the block. From 64 KiB on the header sits a whole span below the block (Span::of).
size_t header_distance(size_t alignment) {
    if (alignment >= Span::kBytes) return Span::kBytes;
    return alignment < Span::kHeaderBytes ? Span::kHeaderBytes : alignment;
}

void unmap(uintptr_t start, uintptr_t end) {
    if (start < end) platform::unmap_pages(reinterpret_cast<void*>(start), end - start);
}

}  // namespace

void* allocate_large(size_t bytes, size_t alignment) {
    if (bytes > kMaxBytes || alignment > kMaxBytes) return nullptr;
    const size_t distance = header_distance(alignment);
    const size_t step = alignment < Span::kBytes ? Span::kBytes : alignment;  // of header or block
    const size_t mapped = round_up(distance + bytes, kPageSize) + step;
    void* mapping = platform::map_pages(mapped);
    if (mapping == nullptr) return nullptr;

    const auto low = reinterpret_cast<uintptr_t>(mapping), high = low + mapped;
    const uintptr_t block = alignment < Span::kBytes ? round_up(low, step) + distance
                                                     : round_up(low + distance, step);
    const uintptr_t header = block - distance, end = round_up(block + bytes, kPageSize);
    unmap(low, header);
    unmap(end, high);
    new (reinterpret_cast<void*>(header)) Span{Span::kMagic, Span::kLarge, 0, end - header};
    return reinterpret_cast<void*>(block);
}

void release_large(Span* span) {
    const uintptr_t start = reinterpret_cast<uintptr_t>(span);
    unmap(start, start + span->mapping_bytes);
}

}  // namespace shoal::libc
