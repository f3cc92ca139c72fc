// Shared memory: pages of an object, which every space that has it attached sees alike. Zeros until somebody writes; whoever touches a page first
// makes it, and the leaves borrow it, with those beside it that are there. A fork's copy has the object attached, too, and finds its pages by its own faults.
#pragma once

#include "servers/vm/memory/map_around.hpp"

namespace shoal::vm {

struct SharedMemory {
    static bool obtain(PageSupply& supply) {
        const ObjectPlace place = supply.object_place();
        const Result<PageBlock*> block = supply.page_index().obtain(supply.context.locks(), supply.context.slabs(), place.object,
                                                                   PageBlock::block_of(place.page));
        if (!block.ok()) return block.error() == Error::NoEntry;  // it is ending, so the region has gone: supply() says so
        supply.block = block.value();
        return supply.block->get(PageBlock::place_of(place.page)).there() || supply.zeroed.obtain();
    }
    static Touch supply(PageSupply& supply, Leaf& leaf, PageSpan region, unsigned page) {
        const unsigned at = PageBlock::place_of(supply.object_place().page);
        if (supply.block == nullptr) return Touch::Raced;
        if (!supply.block->get(at).there() && !put(supply, at)) return Touch::Raced;
        const PageState state = PageState::in_region(supply.attributes.attachment()->lending(), supply.attributes.access);
        map_unowned(supply.context, leaf, region, page, supply.block->get(at).frame(), state);
        map_around(supply, leaf, region, page, at, state);
        return Touch::Mapped;
    }
    static Result<PhysicalAddress> place(WorkerContext&, Space&, VirtualAddress, RegionAttributes) { return Error::Invalid; }
    static constexpr RegionAttributes inherited(RegionAttributes attributes) { return attributes; }

  private:
    // False: there is no frame to put.
    static bool put(PageSupply& supply, unsigned at) {
        if (!supply.zeroed.ready()) return false;
        FrameInfo& info = supply.context.frames().info(supply.zeroed.frame());
        info.claim(FrameKind::Object, supply.block);
        if (supply.block->put(at, supply.zeroed.frame())) (void)supply.zeroed.release();
        else (void)info.release();  // another CPU's is there; ours goes back
        return true;
    }
};

}  // namespace shoal::vm
