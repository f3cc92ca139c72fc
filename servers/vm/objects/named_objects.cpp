#include "servers/vm/objects/named_objects.hpp"

#include <bit>

namespace shoal::vm {

// One for so many pages: a file has some, as a rule.
uint64_t NamedObjects::chains_for(PageCount memory) {
    constexpr uint64_t kPagesEach = 64;
    return std::bit_ceil(memory.raw() / kPagesEach + kLocks);
}

// Without the chain's lock: what is found stays readable until the worker's next quiescent state.
MemoryObject* NamedObjects::use_in(LockContext& worker, Chain& chain, ObjectName name) {
    // acquire pairs with insert() and remove()
    MemoryObject* object = chain.load(std::memory_order_acquire);
    for (; object != nullptr; object = object->next_of_name.load(std::memory_order_acquire)) {  // as above
        if (!(object->name() == name)) continue;
        Guard guard(worker, object->lock);
        if (object->use()) return object;
    }
    return nullptr;
}

MemoryObject* NamedObjects::use(LockContext& worker, ObjectName name) { return use_in(worker, chains_[index_of(name)], name); }

MemoryObject* NamedObjects::insert(LockContext& worker, MemoryObject& object) {
    const uint64_t index = index_of(object.name());
    Chain& chain = chains_[index];
    for (;;) {
        MemoryObject* const first = chain.load(std::memory_order_acquire);  // pairs with the stores below
        if (MemoryObject* there = use_in(worker, chain, object.name())) return there;
        Guard guard(worker, lock_of(index));
        if (chain.load(std::memory_order_relaxed) != first) continue;  // somebody has come meanwhile, perhaps of this name
        object.next_of_name.store(first, std::memory_order_relaxed);
        chain.store(&object, std::memory_order_release);  // pairs with use_in()
        return &object;
    }
}

void NamedObjects::remove(LockContext& worker, MemoryObject& object) {
    const uint64_t index = index_of(object.name());
    Guard guard(worker, lock_of(index));
    Chain* at = &chains_[index];
    while (at->load(std::memory_order_relaxed) != &object) at = &at->load(std::memory_order_relaxed)->next_of_name;
    at->store(object.next_of_name.load(std::memory_order_relaxed), std::memory_order_release);  // pairs with use_in()
}

}  // namespace shoal::vm
