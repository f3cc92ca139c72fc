// The heap: what lies below the program break, in the common segment. Its last region grows and shrinks with the break.
#pragma once

#include "servers/vm/requests/worker_context.hpp"
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

struct HeapMove {
    VirtualAddress start, old_end;
    VirtualRange surplus, more;  // whole pages: which are to be unmapped, or have been mapped
};

// Moves the heap's end; address 0 only asks for it. reserved: what RangeOperation::reserve() has said, without which it only shrinks. Errors:
// NoMemory (no heap, beyond its bounds, something is in the way, or no memory for it); DoNotReply: a fork is under way, and the call comes again.
Error move_heap_end(WorkerContext& context, Space& space, const Receipt& receipt, VirtualAddress wanted, const Result<void>& reserved,
                    HeapMove& move);

}  // namespace shoal::vm
