#include "servers/vm/calls/detach.hpp"

#include "servers/vm/calls/region_edits.hpp"
#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

namespace {

// Of one leaf, and not all of it; so that neither the leaf's end nor the region's has to be thought of later.
bool worth_detaching(const RegionView& view, VirtualRange leaf, VirtualRange part) {
    return view.outcome == Lookup::Found && view.attributes.plain() && view.range.contains(leaf) && view.range != leaf && leaf != part;
}

void free_regions(WorkerContext& context, Space& space, Segment& own) {
    region_edits::cut(context, own, own.range());
    space.settle_regions(context.locks(), context.slabs(), own);
    context.slabs().destroy(&own);
}

// A segment object with one region over all of it; nullptr: not paid for. A Segment and a Region are reserved.
Segment* make_own_regions(WorkerContext& context, Space& space, VirtualRange range, RegionAttributes attributes) {
    Segment* own = context.slabs().create_reserved<Segment>(range);
    if (space.pay_for_regions(context.locks(), context.slabs(), *own, 1).ok()) {
        region_edits::insert(context, *own, range, attributes);
        return own;
    }
    context.slabs().destroy(own);
    return nullptr;
}

// Whether the leaf has the regions now.
bool publish(WorkerContext& context, Leaf& leaf, Segment& own, const Segment& segment, const RegionView& view) {
    Guard guard(context.locks(), leaf.lock);
    if (leaf.dead || leaf.detached()) return false;
    leaf.set_own_regions(&own);
    if (segment.unchanged(view) && !segment.visiting()) return true;
    leaf.set_own_regions(nullptr);  // (d)
    return false;
}

}  // namespace

Leaf* detach(WorkerContext& context, Space& space, VirtualRange part) {
    if (Leaf* leaf = find_detached(space, part)) return leaf;
    Segment* segment = space.find_segment(part.start);
    if (segment == nullptr) return nullptr;
    const VirtualRange whole = VirtualRange::of(part.start.leaf_down(), kLeafSize);
    const RegionView view = segment->lookup(part.start);
    if (!worth_detaching(view, whole, part)) return nullptr;
    constexpr uint32_t kFrames = 3;  // the table, and what the quota may take for a lease
    const Result<void> reserved = Reserve::ensure<Leaf, LeafNode, Segment, Region>(
        context.worker, kFrames, {1, LeafMap::kMostNewNodes, 1, 1 + region_edits::kMostNewRegions});
    if (!reserved.ok()) return nullptr;
    Leaf* leaf = obtain_leaf(context, space, part.start);
    if (leaf == nullptr) return nullptr;
    Segment* own = make_own_regions(context, space, whole, view.attributes);
    if (own == nullptr) return nullptr;
    if (publish(context, *leaf, *own, *segment, view)) return leaf;
    free_regions(context, space, *own);
    return find_detached(space, part);
}

void drop_own_regions(WorkerContext& context, Space& space, Leaf& leaf) {
    Segment& own = *leaf.own_regions();
    leaf.set_own_regions(nullptr);
    free_regions(context, space, own);
}

bool attach(WorkerContext& context, Space& space, Leaf& leaf) {
    if (!context.slabs().ensure_from_stock<Region>(region_edits::kMostNewRegions).ok()) return false;
    Segment& segment = *space.find_segment(leaf.range().start);
    SegmentHold held(context, space, segment);
    if (segment.busy(leaf.range())) return false;  // whoever changes all of it comes by
    // A fault that finds the leaf attached finds the tree changed, or waits for it.
    Segment::Change change(segment);
    Guard guard(context.locks(), leaf.lock);
    Segment* own = leaf.own_regions();
    if (own == nullptr) return true;
    region_edits::cut(context, segment, leaf.range());
    while (Region* region = own->regions().first()) {
        own->remove(*region);
        segment.insert(*region);
    }
    drop_own_regions(context, space, leaf);
    space.settle_regions(context.locks(), context.slabs(), segment);
    return true;
}

}  // namespace shoal::vm
