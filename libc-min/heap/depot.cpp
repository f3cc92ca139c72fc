#include "libc-min/heap/depot.hpp"

#include "libc-min/thread/platform.hpp"

namespace shoal::libc {

void Depot::take_batch(SizeClass size, BlockList& into) {
    Shelf& shelf = shelves_[size.index()];
    LockGuard guard(shelf.lock);
    while (into.count < size.batch()) {
        void* block = next_block(shelf, size);
        if (block == nullptr) return;
        into.push(block);
    }
}

void Depot::return_blocks(SizeClass size, BlockList& from, unsigned count) {
    Shelf& shelf = shelves_[size.index()];
    LockGuard guard(shelf.lock);
    while (count-- > 0) shelf.free.push(from.pop());
}

void* Depot::next_block(Shelf& shelf, SizeClass size) {
    if (shelf.free.count != 0) return shelf.free.pop();
    if (static_cast<size_t>(shelf.uncut_end - shelf.uncut) < size.bytes()) {
        Span* span = new_span(size);
        if (span == nullptr) return nullptr;
        shelf.uncut = span->first_block();
        shelf.uncut_end = span->start() + Span::kBytes;
    }
    char* block = shelf.uncut;
    shelf.uncut += size.bytes();
    return block;
}

Span* Depot::new_span(SizeClass size) {
    LockGuard guard(chunk_lock_);
    if (chunk_ == chunk_end_) {
        auto* mapping = static_cast<char*>(platform::map_pages(kChunkBytes));
        if (mapping == nullptr) return nullptr;
        const uintptr_t misplaced = reinterpret_cast<uintptr_t>(mapping) % Span::kBytes;
        chunk_ = misplaced == 0 ? mapping : mapping + (Span::kBytes - misplaced);
        chunk_end_ = mapping + kChunkBytes - misplaced;
    }
    auto* span = new (chunk_)
        Span{Span::kMagic, size.index(), static_cast<uint32_t>(size.bytes()), 0};
    chunk_ += Span::kBytes;
    return span;
}

}  // namespace shoal::libc
