// The page tables of the window: all frames that VM owns, at kWindowBase + physical address.
//
// Pages of 1 GiB where CPU and memory allow. For each of them a directory of 2 MiB pages lies ready (4 KiB a GiB), which takes
// the giant page's place when the first area in it is hidden: hiding never needs memory.
//
// After launch entries change only by hide() and show(), on any CPU, without a lock: (a) each area has one entry, and only
// the core's owner of that area changes it; (b) the exchange of a giant page for its directory is a compare-and-swap between
// two forms that translate alike. Progress: wait-free.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "kernel/smp/memory/early_frames.hpp"
#include "kernel/smp/memory/table_builder.hpp"

namespace shoal::smp {

class WindowTables {
  public:
    // Frames that build() may take for that many ranges below a highest address.
    static uint64_t tables_needed(uint32_t ranges, PhysicalAddress highest);

    // root: VM's top-level table. owned: what VM gets. tables: where the window's tables come from, not part of owned.
    void build(PhysicalAddress root, const EarlyFrames& owned, EarlyFrames& tables, memory::LargestPage largest);

    // area: 2 MiB-aligned. False: it is no whole area of the window.
    bool hide(PhysicalAddress area);
    bool show(PhysicalAddress area);

  private:
    void prepare_directories(memory::TableBuilder& builder, EarlyFrames& tables);
    uint64_t* directory_entry(PhysicalAddress area);

    uint64_t* root_ = nullptr;
    uint64_t* spare_directories_ = nullptr;  // by GiB: the directory for a giant page there, as an entry; 0: none
    uint64_t giants_ = 0;                    // entries of it
};

}  // namespace shoal::smp
