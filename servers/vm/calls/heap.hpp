// The heap: what lies below the program break, in the common segment. Its last region grows and shrinks with the break.
#pragma once

#include "servers/vm/space/space.hpp"

namespace shoal::vm {

inline constexpr RegionAttributes kHeap{Access::read_write(), RegionTraits::Heap};

constexpr VirtualAddress page_up(VirtualAddress address) { return (address + (kPageSize - 1)).page_down(); }

// Under the common segment's lock: the region that ends at the heap's top; nullptr: the heap is empty, or that region is not as it was
// made, or work is under way on it.
inline Region* last_of_heap(Space& space, VirtualAddress top) {
    Region* last = top > space.heap_start ? space.common().regions().floor((top - 1).raw()) : nullptr;
    return last != nullptr && last->end() == top && last->is(kHeap) ? last : nullptr;
}

}  // namespace shoal::vm
