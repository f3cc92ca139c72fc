// Where threads get their mappings (stack, thread-local variables, block) and leave them.
//
// A few mappings of the usual size are kept, so that a program that makes and ends threads all the time does not map and unmap
// each time. A detached thread cannot unmap the stack it stands on: it retires its block, and whoever comes here next frees it
// once the kernel has cleared `alive`.
#pragma once

#include "libc-min/thread/lock_word.hpp"
#include "libc-min/thread/public_names.hpp"
#include "libc-min/thread/thread_block.hpp"

namespace shoal::libc {

class StackPool {
  public:
    // A block with its mapping and initialised variables, nullptr if memory is short.
    ThreadBlock* allocate(const pthread_attr_t& attributes);
    // The block's thread is gone.
    void release(ThreadBlock* block);
    // The block's thread, detached, is about to go.
    void retire(ThreadBlock* block);

  private:
    struct Mapping {
        Mapping* next;
        size_t bytes, guard_bytes;
    };
    static constexpr unsigned kMaxKept = 32;

    void free_retired() EXCLUDES(lock_);
    void* take_kept(size_t bytes, size_t guard_bytes) EXCLUDES(lock_);
    static void* map(size_t bytes, size_t guard_bytes);

    Lock lock_;
    Mapping* kept_ GUARDED_BY(lock_) = nullptr;
    unsigned kept_count_ GUARDED_BY(lock_) = 0;
    ThreadBlock* retired_ GUARDED_BY(lock_) = nullptr;
};

extern StackPool stack_pool;

}  // namespace shoal::libc
