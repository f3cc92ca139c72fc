#include "servers/vm/calls/mapping.hpp"

#include "servers/vm/calls/detach.hpp"
#include "servers/vm/calls/region_edits.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/space/granting.hpp"

namespace shoal::vm {

namespace {

VirtualRange part_of(const Space& space, VirtualRange range, uint32_t index) {
    return space.layout().segment_range(index).intersect(range);
}

constexpr unsigned kLeavesToGrant = 8;

Result<void> insert_part(WorkerContext& context, Space& space, Segment& segment, VirtualRange part,
                         RegionAttributes attributes) {
    TRY(context.slabs().ensure<Region>(1));
    SegmentHold held(context, space, segment);
    if (!segment.is_free(part)) return Error::Exists;
    TRY(space.pay_for_regions(context.locks(), context.slabs(), segment, 1));
    // --- commit point ---
    {
        Segment::Change change(segment);
        region_edits::insert(context, segment, part, attributes);
    }
    if (part.size() > kPageSize) grant_leaves(context, space, part, attributes);
    return {};
}

// Into a hole of a detached leaf; Error::Again: it is no longer detached.
Result<void> insert_in_leaf(WorkerContext& context, Space& space, Leaf& leaf, VirtualRange range, RegionAttributes attributes) {
    TRY(context.slabs().ensure<Region>(1));
    Guard guard(context.locks(), leaf.lock);
    Segment* own = leaf.own_regions();
    if (own == nullptr) return Error::Again;
    if (!own->is_free(range)) return Error::Exists;
    TRY(space.pay_for_regions(context.locks(), context.slabs(), *own, 1));
    // --- commit point ---
    region_edits::insert(context, *own, range, attributes);
    if (range.size() > kPageSize) grant(leaf, range, attributes);
    return {};
}

// Calls end(Segment&, VirtualRange part) for each segment's part of the range, and sends on who waits there.
template <typename End>
void end_changing(WorkerContext& context, Space& space, VirtualRange range, End end) {
    space.for_each_segment(range, [&](Segment& segment) {
        Request* waiting = nullptr;
        {
            SegmentHold held(context, space, segment);
            Segment::Change change(segment);
            end(segment, range.intersect(segment.range()));
            waiting = segment.waiting;
            segment.waiting = nullptr;
        }
        release_all(context, waiting);
    });
}

}  // namespace

void grant_leaves(WorkerContext& context, Space& space, VirtualRange range, RegionAttributes attributes) {
    if (attributes.work != RegionWork::None || !grantable(attributes)) return;
    VirtualAddress at = range.start;
    for (unsigned i = 0; i < kLeavesToGrant && at < range.end; ++i, at = at.leaf_down() + kLeafSize) {
        Leaf* leaf = space.leaves.find(at);
        if (leaf == nullptr) continue;
        Guard guard(context.locks(), leaf->lock);
        grant(*leaf, range, attributes);
    }
}

void open_regions(WorkerContext& context, Space& space, VirtualRange range) {
    end_changing(context, space, range, [](Segment& segment, VirtualRange part) {
        region_edits::set_work(segment, part, RegionWork::None);
    });
}

void take_back(WorkerContext& context, Space& space, VirtualRange range) {
    end_changing(context, space, range, [&](Segment& segment, VirtualRange part) {
        region_edits::cut(context, segment, part);
        space.settle_regions(context.locks(), context.slabs(), segment);
    });
}

Result<VirtualRange> decode_range(VirtualAddress address, uint64_t bytes) {
    if (!address.page_aligned() || bytes == 0) return Error::Invalid;
    if (!address.in_user_space() || bytes > kUserTop - address.raw()) return Error::BadAddress;
    return VirtualRange::of(address, PageCount::covering(bytes).bytes());
}

Result<void> insert_over(WorkerContext& context, Space& space, VirtualRange range, RegionAttributes attributes) {
    const bool plain = attributes.work == RegionWork::None && attributes.type == MemoryType::Anonymous;
    if (Leaf* leaf = find_detached(space, range); leaf != nullptr && plain) {
        const Result<void> inserted = insert_in_leaf(context, space, *leaf, range, attributes);
        if (inserted.error() != Error::Again) return inserted;
    }
    attach_all(context, space, range);
    const uint32_t first = space.layout().segment_of(range.start);
    const uint32_t last = space.layout().segment_of(range.end - 1);
    for (uint32_t index = first; index <= last; ++index) TRY(space.obtain_segment(index, context.slabs()));
    const bool closed = first != last;
    for (uint32_t index = first; index <= last; ++index) {
        const VirtualRange part = part_of(space, range, index);
        RegionAttributes here = index == first ? attributes : attributes.without_guard();
        if (closed) here.work = RegionWork::Changing;
        const Result<void> inserted = insert_part(context, space, *space.segment(index), part, here);
        if (inserted.ok()) continue;
        if (part.start > range.start) take_back(context, space, {range.start, part.start});
        return inserted.error();
    }
    if (closed && attributes.work == RegionWork::None) open_regions(context, space, range);
    return {};
}

namespace {

// One leaf's pages, by what the leaf has been granted: whoever has taken any of them away has revoked it.
bool granted(Space& space, VirtualRange range) {
    if (range.start.leaf_down() != (range.end - 1).leaf_down()) return false;
    const Leaf* leaf = space.leaves.find(range.start);
    return leaf != nullptr && leaf->granted().covers(leaf->pages_of(range));
}

}  // namespace

bool covered(WorkerContext& context, Space& space, VirtualRange range) {
    if (granted(space, range)) return true;
    const Segment* segment = space.find_segment(range.start);
    if (segment == nullptr) return false;
    const RegionView view = segment->lookup(range.start);
    const bool one_region = view.outcome == Lookup::Found && view.range.contains(range) && view.attributes.work == RegionWork::None;
    // Asked after the lookup: who detaches a leaf later has not changed it yet.
    if (one_region && next_detached(space, range) == nullptr) return true;
    return for_all_parts(context, space, range, [](const Segment& regions, VirtualRange part) { return regions.mapped(part); });
}

}  // namespace shoal::vm
