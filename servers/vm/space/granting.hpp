// Granting: a leaf is told what a region allows its pages.
#pragma once

#include "servers/vm/leaf/leaf.hpp"
#include "servers/vm/space/region.hpp"

namespace shoal::vm {

// Under the leaf's lock, with the region known to be so: the segment was found unchanged since, or its lock is held.
inline void grant(Leaf& leaf, VirtualRange range, RegionAttributes attributes) {
    if (attributes.traits == RegionTraits::GrowsDown) range.start = range.start + kPageSize;  // the guard
    leaf.grant({leaf.pages_of(range), attributes.access});
}

}  // namespace shoal::vm
