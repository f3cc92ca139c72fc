// TableBuilder: adds mappings to a four-level tree of page tables (SDM vol. 3A, 4.5), with the largest pages that fit.
//
// For trees that no CPU has loaded, or additions that no CPU can have cached. Tables come from EarlyFrames and are written
// through the direct map.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "kernel/smp/memory/early_frames.hpp"
#include "kernel/smp/memory/page_bits.hpp"

namespace shoal::smp::memory {

enum class LargestPage : uint8_t { Small = 12, Large = 21, Giant = 30 };

// What this CPU has (CPUID 8000'0001h, EDX bit 26: pages of 1 GiB).
LargestPage largest_page();

class TableBuilder {
  public:
    // root: an existing top-level table. largest: no page above this size is used.
    TableBuilder(PhysicalAddress root, EarlyFrames& frames, LargestPage largest)
        : root_(root), frames_(frames), largest_(largest) {}

    // Maps bytes (whole pages) at `at`, physically contiguous. bits: of the entries, without Present and Large. What is
    // mapped already is kept as it is.
    void map(VirtualAddress at, PhysicalAddress start, uint64_t bytes, uint64_t bits);

    // The entry that maps an address, and what it maps; nullptr where there is none.
    struct Mapping {
        uint64_t* entry;
        uint64_t bytes;
    };
    Mapping find(VirtualAddress address);

    // An empty table, for a root.
    static PhysicalAddress make_root(EarlyFrames& frames) { return frames.take(); }

  private:
    // Maps one page, the largest possible at this place, and returns its size.
    uint64_t map_one(VirtualAddress at, PhysicalAddress start, uint64_t bytes, uint64_t bits);
    uint64_t* table_below(uint64_t& entry, uint64_t bits);

    PhysicalAddress root_;
    EarlyFrames& frames_;
    LargestPage largest_;
};

}  // namespace shoal::smp::memory
