// Anonymous memory: zeros until it is written; a fork's copy has its own of it, copied on write. Leaves grant it: the common page fault
// (fault/touch_granted.hpp) does what is said here without coming by.
#pragma once

#include "servers/vm/memory/page_supply.hpp"

namespace shoal::vm {

struct AnonymousMemory {
    static bool obtain(PageSupply& supply) { return supply.zeroed.obtain(); }
    static Touch supply(PageSupply& supply, Leaf& leaf, PageSpan region, unsigned page) {
        if (!supply.zeroed.ready()) [[unlikely]] return Touch::Raced;
        map_page(supply.context, leaf, region, page, supply.zeroed.release(), supply.attributes.access);
        return Touch::Mapped;
    }
    static Result<PhysicalAddress> place(WorkerContext&, Space&, VirtualAddress, RegionAttributes) { return Error::Invalid; }
    // Nothing has been mapped in advance for the copy.
    static constexpr RegionAttributes inherited(RegionAttributes attributes) {
        if (attributes.traits == RegionTraits::Preallocated) attributes.traits = RegionTraits::None;
        return attributes;
    }
};

}  // namespace shoal::vm
