// NamedObjects: finds files' and devices' objects by their names: a hash table, each chain under a lock.
//
// Guarantees. (a) use() finds the object of that name that is in use, if there is one. (b) Of several who make one at once, all get the same.
// An object that is ending may still be in its chain; whoever meets it passes it by. Reclamation: objects are retired by whoever ends them, after
// they have left the table.
#pragma once

#include "base/result.hpp"
#include "servers/vm/objects/memory_object.hpp"

namespace shoal::vm {

class NamedObjects {
  public:
    static uint64_t bytes_for(PageCount memory) { return chains_for(memory) * sizeof(Chain); }
    // table: zeroed and permanent, of that many bytes.
    NamedObjects(void* table, PageCount memory) : chains_(static_cast<Chain*>(table)), mask_(chains_for(memory) - 1) {}
    NamedObjects(const NamedObjects&) = delete;
    NamedObjects& operator=(const NamedObjects&) = delete;

    // The object, with one use more, which is the caller's to release; nullptr: there is none.
    MemoryObject* use(LockContext& worker, ObjectName name);
    // Without any lock: an object of that name that seems open; nullptr: none. Readable until the worker's next quiescent state.
    [[nodiscard]] MemoryObject* find_open(ObjectName name) const {
        // acquire pairs with insert() and remove()
        MemoryObject* object = chains_[index_of(name)].load(std::memory_order_acquire);
        while (object != nullptr && !(object->name() == name && object->seems_open()))
            object = object->next_of_name.load(std::memory_order_acquire);  // as above
        return object;
    }
    // Puts an object, in its maker's use, into the table, unless there is one of that name: then that one comes back, used once more.
    MemoryObject* insert(LockContext& worker, MemoryObject& object);
    // By whoever ends it.
    void remove(LockContext& worker, MemoryObject& object);

    // Calls visit(MemoryObject&) for those in the chain of that number, counted around; no lock is held. For who scans all in pieces.
    [[nodiscard]] uint64_t chains() const { return mask_ + 1; }
    template <typename Visit>
    void for_each_in(uint64_t chain, Visit visit) {
        // acquire pairs with insert() and remove(): objects come with their contents
        MemoryObject* object = chains_[chain & mask_].load(std::memory_order_acquire);
        for (; object != nullptr; object = object->next_of_name.load(std::memory_order_acquire)) visit(*object);  // as above
    }

  private:
    using Chain = std::atomic<MemoryObject*>;
    static constexpr unsigned kLocks = 256;  // more than CPUs: those at work on different files should not meet
    struct alignas(kCacheLine) ChainLock {
        SpinLock<VmRank::CacheBucket> lock;
    };

    static uint64_t chains_for(PageCount memory);
    [[nodiscard]] uint64_t index_of(ObjectName name) const {
        const uint64_t key = name.device * 0x9e37'79b9'7f4a'7c15 + name.inode;  // 2^64 by the golden ratio
        return ((key ^ key >> 32) * 0x9e37'79b9'7f4a'7c15 >> 24) & mask_;
    }
    [[nodiscard]] SpinLock<VmRank::CacheBucket>& lock_of(uint64_t index) { return locks_[index % kLocks].lock; }
    static MemoryObject* use_in(LockContext& worker, Chain& chain, ObjectName name);

    Chain* const chains_;
    const uint64_t mask_;
    ChainLock locks_[kLocks];
};

}  // namespace shoal::vm
