// Contiguous memory: neighbouring frames that stay in their places, for devices that know no page tables. All of it is there from the
// start (calls/contiguous_operation.hpp), and pinned: nothing but unmapping takes a page of it away. A fork's copy has its contents, in
// memory of its own that is anonymous: a device goes on with the frames that it was told of.
#pragma once

#include "servers/vm/memory/page_supply.hpp"

namespace shoal::vm {

struct ContiguousMemory {
    static bool obtain(PageSupply&) { return true; }
    static Touch supply(PageSupply&, Leaf&, PageSpan, unsigned) { return Touch::Denied; }
    static Result<PhysicalAddress> place(WorkerContext& context, Space& space, VirtualAddress address, RegionAttributes) {
        Leaf* leaf = space.leaves.find(address);
        if (leaf == nullptr) return Error::BadAddress;  // not yet
        Guard guard(context.locks(), leaf->lock);
        const PageEntry entry = leaf->table().get(page_in_leaf(address));
        if (!entry.held()) return Error::BadAddress;
        return entry.frame().address() + address.page_offset();
    }
    static constexpr RegionAttributes inherited(RegionAttributes attributes) {
        attributes.type = MemoryType::Anonymous;
        return attributes;
    }
};

}  // namespace shoal::vm
