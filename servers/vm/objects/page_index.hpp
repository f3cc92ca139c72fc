// PageIndex: finds the pages of memory objects: a hash table of their blocks.
//
// Guarantees. (a) find() meets every block whose obtain() happened before it, and none whose object's grace period is over. (b) Of several who
// obtain one block, all get the same. (c) A block is in the table and in its object's list, or in neither.
// Progress: find() is wait-free but for the length of its chain; obtain() and remove() block. Reclamation: a block that is removed is retired
// by its remover; readers in its chain find their way on by it. Source: hash chains under read-copy-update (McKenney and Slingwine, 1998).
#pragma once

#include "base/result.hpp"
#include "servers/vm/objects/memory_object.hpp"
#include "servers/vm/slab/slab_caches.hpp"

namespace shoal::vm {

class PageIndex {
  public:
    // For a machine of that much memory.
    static uint64_t bytes_for(PageCount memory) { return buckets_for(memory) * sizeof(Bucket); }
    // table: zeroed and permanent, of that many bytes.
    PageIndex(void* table, PageCount memory) : buckets_(static_cast<Bucket*>(table)), mask_(buckets_for(memory) - 1) {}
    PageIndex(const PageIndex&) = delete;
    PageIndex& operator=(const PageIndex&) = delete;

    // The object's block of that number; nullptr: none. Valid until the worker's next quiescent state.
    [[nodiscard]] PageBlock* find(const MemoryObject& object, uint64_t number) const {
        // acquire pairs with obtain(): the block comes with its contents; and with remove()
        PageBlock* block = bucket(object, number).load(std::memory_order_acquire);
        while (block != nullptr && !block->is(object, number))
            block = block->next_in_bucket_.load(std::memory_order_acquire);  // as above
        return block;
    }
    // Makes it if need be. Errors: NoMemory; NoEntry: the object is ending.
    Result<PageBlock*> obtain(LockContext& worker, SlabCaches& slabs, MemoryObject& object, uint64_t number);
    // Likewise under the object's lock, which is in use; a PageBlock is reserved.
    PageBlock& obtain_locked(LockContext& worker, SlabCaches& slabs, MemoryObject& object, uint64_t number);
    // By whoever has taken it off its object's list. It is to be retired.
    void remove(LockContext& worker, PageBlock& block);

  private:
    using Bucket = std::atomic<PageBlock*>;
    static constexpr unsigned kLocks = 512;  // more than CPUs: those at work on different files should not meet
    static constexpr uint64_t kBucketsOfLine = kCacheLine / sizeof(Bucket);
    struct alignas(kCacheLine) BucketLock {
        SpinLock<VmRank::CacheBucket> lock;
    };

    static uint64_t buckets_for(PageCount memory);
    // A line of buckets for neighbouring blocks of an object, so that their finders share it with no other object's, as a rule; within the line objects
    // begin anywhere, for most are small.
    [[nodiscard]] uint64_t hash(const MemoryObject& object, uint64_t number) const {
        const uint64_t key = (reinterpret_cast<uint64_t>(&object) >> 6) + number / kBucketsOfLine * 0x9e37'79b9'7f4a'7c15;  // 2^64 by the golden ratio
        const uint64_t mixed = (key ^ key >> 32) * 0x9e37'79b9'7f4a'7c15 >> 24;
        return ((mixed & ~(kBucketsOfLine - 1)) | ((mixed + number) & (kBucketsOfLine - 1))) & mask_;
    }
    [[nodiscard]] Bucket& bucket(const MemoryObject& object, uint64_t number) const { return buckets_[hash(object, number)]; }
    [[nodiscard]] SpinLock<VmRank::CacheBucket>& lock_of(const MemoryObject& object, uint64_t number) {
        return locks_[hash(object, number) / kBucketsOfLine % kLocks].lock;
    }

    Bucket* const buckets_;
    const uint64_t mask_;
    BucketLock locks_[kLocks];
};

}  // namespace shoal::vm
