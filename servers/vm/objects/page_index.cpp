#include "servers/vm/objects/page_index.hpp"

#include <bit>

namespace shoal::vm {

// One for each block, where all of memory were pages of objects.
uint64_t PageIndex::buckets_for(PageCount memory) { return std::bit_ceil(memory.raw() / PageBlock::kPages + kLocks); }

Result<PageBlock*> PageIndex::obtain(LockContext& worker, SlabCaches& slabs, MemoryObject& object, uint64_t number) {
    if (PageBlock* found = find(object, number)) return found;
    TRY(slabs.ensure<PageBlock>(1));
    Guard guard(worker, object.lock);
    if (object.ending()) return Error::NoEntry;
    return &obtain_locked(worker, slabs, object, number);
}

PageBlock& PageIndex::obtain_locked(LockContext& worker, SlabCaches& slabs, MemoryObject& object, uint64_t number) {
    if (PageBlock* found = find(object, number)) return *found;
    PageBlock* block = slabs.create_reserved<PageBlock>(object, number);
    object.blocks().push_back(*block);
    Bucket& head = bucket(object, number);
    Guard guard(worker, lock_of(object, number));
    block->next_in_bucket_.store(head.load(std::memory_order_relaxed), std::memory_order_relaxed);
    head.store(block, std::memory_order_release);  // pairs with find()
    return *block;
}

void PageIndex::remove(LockContext& worker, PageBlock& block) {
    Guard guard(worker, lock_of(block.object(), block.number()));
    Bucket* at = &bucket(block.object(), block.number());
    while (at->load(std::memory_order_relaxed) != &block) at = &at->load(std::memory_order_relaxed)->next_in_bucket_;
    at->store(block.next_in_bucket_.load(std::memory_order_relaxed), std::memory_order_release);  // pairs with find()
}

}  // namespace shoal::vm
