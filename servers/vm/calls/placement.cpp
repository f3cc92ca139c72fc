#include "servers/vm/calls/placement.hpp"

#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/region_edits.hpp"
#include "servers/vm/calls/segment_hold.hpp"

namespace shoal::vm {

namespace {

// A map larger than this part of a slice goes to the common half.
constexpr uint64_t kSliceShare = 8;

Result<VirtualRange> place_in(WorkerContext& context, Space& space, uint32_t index, uint64_t bytes, RegionAttributes attributes) {
    Segment* segment = TRY(space.obtain_segment(index, context.slabs()));
    TRY(context.slabs().ensure<Region>(1 + region_edits::kMostNewRegions));
    const VirtualAddress from = index == 0 ? AddressLayout::kCommonMaps : segment->range().start;
    SegmentHold held(context, space, *segment);
    TRY(space.pay_for_regions(context.locks(), context.slabs(), *segment, 1));
    const VirtualRange range = segment->find_free(bytes, bytes >= kLeafSize ? kLeafSize : kPageSize, from);
    if (range.empty()) {
        space.settle_regions(context.locks(), context.slabs(), *segment);
        return Error::NoMemory;
    }
    const RegionAttributes placed = attributes.placed_at(range.start);
    if (Attachment* attachment = placed.attachment()) space.attachments.place(context.locks(), *attachment, range.start);
    // --- commit point ---
    {
        Segment::Change change(*segment);
        region_edits::insert(context, *segment, range, placed);
    }
    if (range.size() > kPageSize) grant_leaves(context, space, range, placed);
    return range;
}

}  // namespace

Result<VirtualAddress> place_anywhere(WorkerContext& context, Space& space, uint64_t bytes, RegionAttributes attributes) {
    const uint32_t slice = AddressLayout::slice_of(context.cpu());
    if (bytes <= space.layout().segment_range(slice).size() / kSliceShare) {
        Result<VirtualRange> placed = place_in(context, space, slice, bytes, attributes);
        if (placed.ok()) return placed.value().start;
    }
    return TRY(place_in(context, space, 0, bytes, attributes)).start;
}

}  // namespace shoal::vm
