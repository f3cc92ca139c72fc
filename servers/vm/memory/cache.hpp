// Cache memory: blocks of a device, as a file server has them mapped: pages of the page cache, all there from the start, each with a reference of
// its own. What the server writes there, whoever has the file mapped reads.
#pragma once

#include "servers/vm/memory/page_supply.hpp"

namespace shoal::vm {

struct CacheMemory {
    static bool obtain(PageSupply&) { return true; }
    static Touch supply(PageSupply&, Leaf&, PageSpan, unsigned) { return Touch::Denied; }
    static Result<PhysicalAddress> place(WorkerContext&, Space&, VirtualAddress, RegionAttributes) { return Error::Invalid; }
    static constexpr RegionAttributes inherited(RegionAttributes attributes) { return attributes; }
};

}  // namespace shoal::vm
