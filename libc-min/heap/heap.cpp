#include "libc-min/heap/heap.hpp"

#include "base/assert.hpp"
#include "libc-min/heap/depot.hpp"
#include "libc-min/heap/large_block.hpp"

namespace shoal::libc {
namespace {

constinit Depot depot;
constinit __thread BlockList cache[SizeClass::kCount];

void* allocate_small(SizeClass size) {
    BlockList& list = cache[size.index()];
    if (list.count == 0) {
        depot.take_batch(size, list);
        if (list.count == 0) return nullptr;
    }
    return list.pop();
}

// A cache keeps at most two batches of a size, so that a thread that only frees does not collect all memory.
void release_small(SizeClass size, void* block) {
    BlockList& list = cache[size.index()];
    list.push(block);
    if (list.count > 2 * size.batch()) depot.return_blocks(size, list, size.batch());
}

Span* checked_span_of(void* block) {
    Span* span = Span::of(block);
    SHOAL_CHECK(span->magic == Span::kMagic);
    return span;
}

}  // namespace

void* allocate(size_t bytes) {
    if (bytes == 0) bytes = 1;
    if (bytes > SizeClass::kMaxBytes) return allocate_large(bytes, SizeClass::kGranule);
    return allocate_small(SizeClass::holding(bytes));
}

void* allocate_aligned(size_t alignment, size_t bytes) {
    if (alignment <= SizeClass::kGranule) return allocate(bytes);
    if (bytes > SizeClass::kMaxBytes || alignment > SizeClass::kMaxBytes - bytes)
        return allocate_large(bytes, alignment);
    auto* block = static_cast<char*>(allocate(bytes + alignment - 1));
    if (block == nullptr) return nullptr;
    const uintptr_t misplaced = reinterpret_cast<uintptr_t>(block) & (alignment - 1);
    return misplaced == 0 ? block : block + (alignment - misplaced);
}

bool fresh_is_zero(size_t bytes) { return bytes > SizeClass::kMaxBytes; }

void release(void* block) {
    Span* span = checked_span_of(block);
    if (span->is_large())
        release_large(span);
    else
        release_small(SizeClass(span->size_class), span->block_around(block));
}

size_t usable_bytes(void* block) {
    Span* span = checked_span_of(block);
    const char* end = span->is_large() ? span->start() + span->mapping_bytes
                                       : span->block_around(block) + span->block_bytes;
    return static_cast<size_t>(end - static_cast<char*>(block));
}

void flush_thread_cache() {
    for (unsigned i = 0; i < SizeClass::kCount; ++i)
        if (cache[i].count != 0) depot.return_blocks(SizeClass(i), cache[i], cache[i].count);
}

}  // namespace shoal::libc
