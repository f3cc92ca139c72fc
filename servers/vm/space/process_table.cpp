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
    for (uint32_t i = 0; i < slots; ++i) new (&table->slot_array()[i]) ProcessSlot;
    return table;
}

}  // namespace shoal::vm
