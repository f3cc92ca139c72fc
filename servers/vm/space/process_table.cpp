#include "servers/vm/space/process_table.hpp"

#include <new>

namespace shoal::vm {

uint64_t ProcessTable::bytes_for(uint32_t slots, uint32_t cpus) {
    return sizeof(ProcessTable) + kCacheLine + sizeof(ProcessShard) * cpus + sizeof(ProcessSlot) * slots;
}

ProcessTable* ProcessTable::create(void* memory, uint32_t slots, uint32_t cpus) {
    auto* table = new (memory) ProcessTable(slots, cpus);
    for (uint32_t i = 0; i < cpus; ++i) new (&table->shard_array()[i]) ProcessShard;
    for (uint32_t i = 0; i < slots; ++i) new (&table->slot_array()[i]) ProcessSlot;
    return table;
}

}  // namespace shoal::vm
