// What the threads' caches share: for each size a list of free blocks and a span that is being cut, under a lock of its own; and
// the chunk of address space that spans come from. Small memory, once mapped, stays with the process.
//
// Lock order: a size's lock before the chunk's.
#pragma once

#include <new>

#include "libc-min/heap/size_class.hpp"
#include "libc-min/heap/span.hpp"
#include "libc-min/thread/lock_word.hpp"

namespace shoal::libc {

struct FreeBlock {
    FreeBlock* next;
};

// A chain of free blocks of one size.
struct BlockList {
    FreeBlock* first = nullptr;
    unsigned count = 0;

    void push(void* block) {
        first = new (block) FreeBlock{first};
        ++count;
    }
    void* pop() {
        FreeBlock* block = first;
        first = block->next;
        --count;
        return block;
    }
};

class Depot {
  public:
    // Moves up to a batch into an empty list; it stays empty if memory is short.
    void take_batch(SizeClass size, BlockList& into);
    // Takes `count` blocks back.
    void return_blocks(SizeClass size, BlockList& from, unsigned count);

  private:
    struct alignas(64) Shelf {
        Lock lock;
        BlockList free GUARDED_BY(lock);
        char* uncut GUARDED_BY(lock) = nullptr;  // the rest of a span of which no block was ever used
        char* uncut_end GUARDED_BY(lock) = nullptr;
    };
    static constexpr size_t kChunkBytes = size_t{1} << 20;

    void* next_block(Shelf& shelf, SizeClass size) REQUIRES(shelf.lock);
    Span* new_span(SizeClass size);

    Shelf shelves_[SizeClass::kCount];
    Lock chunk_lock_;
    char* chunk_ GUARDED_BY(chunk_lock_) = nullptr;
    char* chunk_end_ GUARDED_BY(chunk_lock_) = nullptr;
};

}  // namespace shoal::libc
