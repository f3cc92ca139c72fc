// map_around: the pages beside one that was just borrowed, which its object has, too: those of its block that the leaf does not have yet. They
// cost a word each; the faults that they save cost an exception.
#pragma once

#include "servers/vm/memory/page_supply.hpp"

namespace shoal::vm {

// Under the leaf's lock, with no flush of it under way. at: the page's place in the block. As far as runs are at hand.
inline void map_around(PageSupply& supply, Leaf& leaf, PageSpan region, unsigned page, unsigned at, PageState state) {
    const uint64_t first = supply.block->number() << PageBlock::kPagesShift;
    for (unsigned place = 0; place < PageBlock::kPages; ++place) {
        const unsigned other = page + place - at;  // may wrap: then it is in no region
        if (!region.contains(other) || leaf.table().get(other).held()) continue;
        const ObjectPage there = supply.block->get(place);
        if (!there.there() || there.once() || !supply.context.slabs().has<Run>(1)) continue;
        if (supply.attributes.attachment()->cleared_from(first + place) < kPageSize) continue;
        map_unowned(supply.context, leaf, region, other, there.frame(), state);
    }
}

}  // namespace shoal::vm
