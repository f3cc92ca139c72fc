// Detached leaves: regions that are kept with the leaf.
//
// What a call changes inside one leaf, of a region that is larger than the leaf, would split that region in its segment's tree, which the
// calls for all other leaves of the region read and write too. Instead the leaf is detached: it gets regions of its own, in a
// segment object that covers just the leaf and that the leaf's lock guards. From then on they say what is mapped in the leaf; what
// the address segment's tree says there only keeps the addresses from others. So calls in different leaves of one region share
// no line that either writes.
//
// (a) Over a detached leaf the address segment's tree has a region everywhere, or one that is being unmapped.
// (b) A fault looks for own regions before it looks in the tree, and again under the leaf's lock.
// (c) A range operation takes a detached leaf that it covers in part by its own regions, under the leaf's lock alone. One that it covers
//     whole it changes with the tree: own regions go with their pages, or get the access, in the visit.
// (d) Who detaches publishes the regions and then asks whether the segment is as he found it, and no leaf of it being visited; who changes
//     the tree announces his visits, begins his change, and then asks whether a leaf at either end is detached. So one of the two
//     sees the other, and gives way.
// (e) When nothing is mapped in it any more, a detached leaf is attached again, and the addresses are free; and when something is mapped
//     into it and beyond.
// The protocol is searched exhaustively by tests/model/spin/vm_detach.pml.
// Source: Clements et al., "RadixVM" (EuroSys 2013), whose tree unfolds a mapping where it is changed in part.
#pragma once

#include "servers/vm/calls/segment_hold.hpp"

namespace shoal::vm {

// The leaf over the part, detached: it was, or is now. nullptr: it is not, as the part is a whole leaf, or lies in a region that is not
// plain or no larger than the leaf, or for want of memory.
Leaf* detach(WorkerContext& context, Space& space, VirtualRange part);

// The detached leaf that the range lies in, or nullptr.
inline Leaf* find_detached(const Space& space, VirtualRange range) {
    if (range.start.leaf_down() != (range.end - 1).leaf_down()) return nullptr;
    Leaf* leaf = space.leaves.find(range.start);
    return leaf != nullptr && leaf->detached() ? leaf : nullptr;
}

// The first detached leaf that the range touches, or nullptr.
inline Leaf* next_detached(const Space& space, VirtualRange range) {
    Leaf* leaf = space.leaves.next(range.start.leaf_down(), range.end);
    while (leaf != nullptr && !leaf->detached()) leaf = space.leaves.next(leaf->range().end, range.end);
    return leaf;
}

// Puts its own regions back into the segment's tree. False: not now, for want of memory, or because all of it is being changed.
bool attach(WorkerContext& context, Space& space, Leaf& leaf);

// Attaches those that the range touches, before something is mapped over more than one of them. Stops at one that cannot be attached.
inline void attach_all(WorkerContext& context, Space& space, VirtualRange range) {
    while (Leaf* leaf = next_detached(space, range))
        if (!attach(context, space, *leaf)) return;
}

// Calls visit(const Segment& regions, VirtualRange part) for each part of the range that has its regions in one place, ascending and under
// the lock of that place, until one returns false. Whether all have returned true.
template <typename Visit>
bool for_all_parts(WorkerContext& context, Space& space, VirtualRange range, Visit visit) {
    for (VirtualRange rest = range; !rest.empty();) {
        Segment* segment = space.find_segment(rest.start);
        if (segment == nullptr) return false;
        VirtualRange part = rest.intersect(segment->range());
        if (part.start != rest.start) return false;  // below the lowest address
        Leaf* leaf = next_detached(space, part);
        if (leaf != nullptr && leaf->range().contains(part.start)) {
            part = part.intersect(leaf->range());
            Guard guard(context.locks(), leaf->lock);
            const Segment* own = leaf->own_regions();
            if (own == nullptr) continue;
            if (!visit(*own, part)) return false;
        } else {
            if (leaf != nullptr) part.end = leaf->range().start;
            SegmentHold held(context, space, *segment);
            if (!visit(*segment, part)) return false;
        }
        rest.start = part.end;
    }
    return true;
}

// Under the leaf's lock: all its own regions go, and it is attached.
void drop_own_regions(WorkerContext& context, Space& space, Leaf& leaf);

}  // namespace shoal::vm
