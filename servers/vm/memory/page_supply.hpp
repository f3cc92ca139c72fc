// PageSupply: an absent page on its way to a frame: which page it is, and what has been made ready for it before any lock was taken.
#pragma once

#include "servers/vm/fault/touched.hpp"
#include "servers/vm/fault/zeroed_frame.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/space/region.hpp"
#include "servers/vm/space/space.hpp"

namespace shoal::vm {

struct PageSupply {
    PageSupply(WorkerContext& worker, Space& space, VirtualAddress at, RegionAttributes region, Access wanted)
        : context(worker), address(at), attributes(region), needed(wanted), zeroed(worker, region.type == MemoryType::Shared ? nullptr : &space.quota) {}

    // Where a page of an object is.
    [[nodiscard]] ObjectPlace object_place() const { return attributes.attachment()->place_of(address); }
    // A page that is there may have to give way to a copy that is made ready here.
    [[nodiscard]] bool may_copy() const { return attributes.type == MemoryType::File && needed.writes(); }
    [[nodiscard]] PageIndex& page_index() const { return context.processes.page_index(); }

    WorkerContext& context;
    const VirtualAddress address;
    RegionAttributes attributes;  // of the region that it lies in
    const Access needed;          // for the access that wants it
    ZeroedFrame zeroed;
    PageBlock* block = nullptr;  // of an object
};

}  // namespace shoal::vm
