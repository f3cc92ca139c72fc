// Granting: a leaf is told what a region allows its pages.
#pragma once

#include "servers/vm/leaf/leaf.hpp"
#include "servers/vm/space/region.hpp"

namespace shoal::vm {

// The pages of the leaf that a region may have.
inline PageSpan pages_of_region(const Leaf& leaf, VirtualRange range, RegionAttributes attributes) {
    if (attributes.traits == RegionTraits::GrowsDown) range.start = range.start + kPageSize;  // the guard
    return leaf.pages_of(range);
}

// Who has a grant maps zeroed pages.
constexpr bool grantable(RegionAttributes attributes) { return attributes.type == MemoryType::Anonymous; }

// Under the leaf's lock, with the region known to be so: the segment was found unchanged since, or its lock is held.
inline void grant(Leaf& leaf, VirtualRange range, RegionAttributes attributes) {
    if (!grantable(attributes)) return;
    leaf.grant({pages_of_region(leaf, range, attributes), attributes.access});
}

}  // namespace shoal::vm
