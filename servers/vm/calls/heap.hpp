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

// Where the break is to be; decided under the lock, since the process may be moving it.
struct BreakWish {
    enum class Kind : uint8_t { At, AtLeast, Beyond } kind;
    uint64_t value;  // an address; Beyond: so many bytes further than it is

    [[nodiscard]] VirtualAddress from(VirtualAddress end) const {
        if (kind == Kind::Beyond) return end + value;
        return kind == Kind::AtLeast && end.raw() > value ? end : VirtualAddress{value};
    }
    static BreakWish at(VirtualAddress address) { return {Kind::At, address.raw()}; }
    static BreakWish at_least(VirtualAddress address) { return {Kind::AtLeast, address.raw()}; }
    static BreakWish beyond(uint64_t bytes) { return {Kind::Beyond, bytes}; }
};

// Moves the heap's end; address 0 only asks for it. reserved: what RangeOperation::reserve() has said, without which it only shrinks. Errors:
// NoMemory (no heap, beyond its bounds, something is in the way, or no memory for it); DoNotReply: a fork is under way, and the call comes again.
Error move_heap_end(WorkerContext& context, Space& space, const Receipt& receipt, BreakWish wish, const Result<void>& reserved, HeapMove& move);

}  // namespace shoal::vm
