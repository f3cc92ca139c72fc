#include "servers/vm/space/process_table.hpp"

#include <new>

namespace shoal::vm {

uint64_t ProcessTable::bytes_for(uint32_t slots, uint32_t cpus, PageCount pages) {
    return shards_at() + sizeof(ProcessShard) * cpus + sizeof(ProcessSlot) * slots + PageIndex::bytes_for(pages) +
           NamedObjects::bytes_for(pages);
}

ProcessTable* ProcessTable::create(void* memory, uint32_t slots, uint32_t cpus, PageCount pages) {
    auto* table = new (memory) ProcessTable(slots, cpus, pages);
    for (uint32_t i = 0; i < cpus; ++i) new (&table->shard_array()[i]) ProcessShard;
    for (uint32_t i = 0; i < slots; ++i) (new (&table->slot_array()[i]) ProcessSlot)->set_order(i);
    return table;
}

// As a rule it is where it was made.
ProcessSlot& ProcessTable::slot_of_order(uint32_t order) {
    if (slot_at(order).order() == order) return slot_at(order);
    for (uint32_t i = 0; i < slots_; ++i)
        if (slot_at(i).order() == order) return slot_at(i);
    return slot_at(order);  // it is just changing places: closed, wherever one looks
}

}  // namespace shoal::vm
