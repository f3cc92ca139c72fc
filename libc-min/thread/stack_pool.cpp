#include "libc-min/thread/stack_pool.hpp"

#include <new>

#include "base/address.hpp"
#include "libc-min/thread/platform.hpp"

namespace shoal::libc {

constinit StackPool stack_pool;

namespace {

constexpr size_t kBlockAlignment = 64;
static_assert(sizeof(ThreadBlock) <= 2 * kBlockAlignment);

size_t round_up(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

ThreadBlock* block_at_end(void* mapping, size_t bytes) {
    char* end = static_cast<char*>(mapping) + bytes;
    return reinterpret_cast<ThreadBlock*>(end - round_up(sizeof(ThreadBlock), kBlockAlignment));
}

}  // namespace

void* StackPool::map(size_t bytes, size_t guard_bytes) {
    void* mapping = platform::map_pages(bytes);
    if (mapping == nullptr || guard_bytes == 0) return mapping;
    if (platform::forbid_pages(mapping, guard_bytes)) return mapping;
    platform::unmap_pages(mapping, bytes);
    return nullptr;
}

ThreadBlock* StackPool::allocate(const pthread_attr_t& attributes) {
    free_retired();
    const TlsImage tls = TlsImage::of_program();
    const size_t guard = round_up(attributes.guard_bytes, kPageSize);
    // Whole leaves: a stack is touched on its thread's CPU, and small mappings of the CPU that made the thread must not come to
    // lie under the same page table, or removing them would have to flush that other CPU too.
    const size_t bytes = round_up(guard + attributes.stack_bytes + tls.bytes_below_block() +
                                      sizeof(ThreadBlock) + kBlockAlignment + tls.alignment,
                                  kLeafSize);
    void* mapping = take_kept(bytes, guard);
    if (mapping == nullptr) mapping = map(bytes, guard);
    if (mapping == nullptr) return nullptr;

    // The block's address must suit the alignment of the variables below it.
    const uint64_t end = reinterpret_cast<uint64_t>(block_at_end(mapping, bytes));
    const uint64_t place = end - end % (tls.alignment < kBlockAlignment ? kBlockAlignment : tls.alignment);
    auto* block = new (reinterpret_cast<void*>(place)) ThreadBlock;
    block->mapping = mapping;
    block->mapping_bytes = bytes;
    block->guard_bytes = guard;
    tls.initialize_below(block);
    return block;
}

void* StackPool::take_kept(size_t bytes, size_t guard_bytes) {
    LockGuard guard(lock_);
    Mapping* first = kept_;
    if (first == nullptr || first->bytes != bytes || first->guard_bytes != guard_bytes)
        return nullptr;
    kept_ = first->next;
    --kept_count_;
    return reinterpret_cast<char*>(first) - guard_bytes;
}

void StackPool::release(ThreadBlock* block) {
    void* const mapping = block->mapping;
    const size_t bytes = block->mapping_bytes, guard_bytes = block->guard_bytes;
    {
        LockGuard guard(lock_);
        if (kept_count_ < kMaxKept) {
            // The record lies in the lowest page of the stack, above its guard.
            kept_ = new (static_cast<char*>(mapping) + guard_bytes) Mapping{kept_, bytes, guard_bytes};
            ++kept_count_;
            return;
        }
    }
    platform::unmap_pages(mapping, bytes);
}

void StackPool::retire(ThreadBlock* block) {
    LockGuard guard(lock_);
    block->next = retired_;
    retired_ = block;
}

void StackPool::free_retired() {
    ThreadBlock* gone = nullptr;
    {
        LockGuard guard(lock_);
        for (ThreadBlock** link = &retired_; *link != nullptr;) {
            ThreadBlock* block = *link;
            // acquire: pairs with the kernel's store at the thread's end
            if (block->alive.load(std::memory_order_acquire) != 0) {
                link = &block->next;
                continue;
            }
            *link = block->next;
            block->next = gone;
            gone = block;
        }
    }
    while (gone != nullptr) {
        ThreadBlock* next = gone->next;
        release(gone);
        gone = next;
    }
}

}  // namespace shoal::libc
