// The upper tables of one (space, CPU): built on demand, linked, unlinked, freed. Only that CPU writes them, interrupts off.
#pragma once

#include "base/result.hpp"
#include "kernel/core/space/table_stock.hpp"

namespace shoal::kernel::space {

class UpperTables {
  public:
    UpperTables(PhysicalAddress root, TableStock& stock) : root_(root), stock_(stock) {}

    static constexpr uint32_t kMostTables = 2;  // below the root, that one link may need

    // Makes last_level_table (VM's) serve the 2 MiB at `address`, both aligned. Linking what is linked already is fine.
    // Busy: another table is linked there, or a large page (VM must unlink it first). NoMemory: nothing was done.
    Error link(VirtualAddress address, PhysicalAddress last_level_table);
    // Removes the links and large pages of Directory entries that the range touches; the tables they named are VM's.
    void unlink(VirtualRange range);
    // Gives every table back, the root too. Not while the CPU has the root loaded.
    void free_all();

  private:
    PageTable& descend(PageTable& table, Level level, VirtualAddress address);
    uint32_t missing_tables(VirtualAddress address);
    void unlink_below(PhysicalAddress table, Level level, VirtualRange range);
    void free_below(PhysicalAddress table, Level level);

    PhysicalAddress root_;
    TableStock& stock_;
};

}  // namespace shoal::kernel::space
