#include "servers/vm/update/preallocation.hpp"

#include "servers/vm/calls/heap.hpp"
#include "servers/vm/calls/placement.hpp"
#include "servers/vm/calls/range_operation.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/calls/touch_operation.hpp"
#include "servers/vm/update/engagement.hpp"

namespace shoal::vm {

namespace {

constexpr RegionAttributes kPreallocated{Access::read_write(), RegionTraits::Preallocated};

bool is_preallocated(const Region& region) {
    return region.attributes().traits == RegionTraits::Preallocated && region.attributes().mapped();
}

}  // namespace

Error Preallocation::begin(WorkerContext& context, Space& space) {
    if (const Result<void> reserved = RangeOperation::reserve(context); !reserved.ok()) return reserved.error();
    SegmentHold held(context, space, space.common());
    if (space.preallocating) return Error::Busy;
    space.preallocating = true;
    return Error::None;
}

void Preallocation::end(WorkerContext& context, Space& space) {
    SegmentHold held(context, space, space.common());
    space.preallocating = false;
}

// The answer: address, bytes.
void Preallocation::populate(WorkerContext& context, const Receipt& receipt, Space& space, VirtualRange range, VirtualAddress address,
                             uint64_t bytes) {
    Request* request = context.slabs().create_reserved<Request>(RequestKind::Preallocate, receipt, context.cpu());
    request->process = space.process();
    request->reserve.keep(context.slabs());
    request->range = {RangeKind::Populate, Access::read_write(), range, range.start, {}};
    engage(context, *request);
    request->results[0] = address.raw();
    request->results[1] = bytes;
    context.desk.push_ready(*request);
}

Error Preallocation::extend_heap(WorkerContext& context, const Receipt& receipt, Space& space, uint64_t bytes) {
    if (const Error error = begin(context, space); error != Error::None) return error;
    HeapMove move{};
    if (const Error error = move_heap_end(context, space, receipt, BreakWish::beyond(bytes), {}, move); error != Error::None) {
        end(context, space);
        return error;
    }
    // --- commit point ---
    const VirtualAddress old_end = move.old_end;
    // The page with the old end is the heap's, or the image's.
    const VirtualAddress first = page_up(old_end) > page_up(move.start) ? old_end.page_down() : page_up(old_end);
    populate(context, receipt, space, {first, page_up(old_end + bytes)}, old_end, bytes);
    return Error::DoNotReply;
}

Error Preallocation::map(WorkerContext& context, const Receipt& receipt, Space& space, uint64_t bytes) {
    if (const Error error = begin(context, space); error != Error::None) return error;
    const bool has_one = !find(context, space).empty();
    const Result<VirtualAddress> placed =
        has_one ? Result<VirtualAddress>{Error::Exists} : place_anywhere(context, space, bytes, kPreallocated);
    if (!placed.ok()) {
        end(context, space);
        return placed.error();
    }
    // --- commit point ---
    const VirtualRange range = VirtualRange::of(placed.value(), bytes);
    {
        SegmentHold held(context, space, space.common());
        space.preallocated = range;
    }
    populate(context, receipt, space, range, range.start, bytes);
    return Error::DoNotReply;
}

VirtualRange Preallocation::find(WorkerContext& context, Space& space) {
    VirtualRange range;
    {
        SegmentHold held(context, space, space.common());
        range = space.preallocated;
    }
    Segment* segment = range.empty() ? nullptr : space.find_segment(range.start);
    if (segment == nullptr) return {};
    SegmentHold held(context, space, *segment);
    VirtualRange found;
    for (const Region* region = segment->first_in(range); region != nullptr && region->start() < range.end;
         region = segment->regions().next(*region)) {
        const bool goes_on = is_preallocated(*region) && (found.empty() || found.end == region->start());
        if (goes_on) found = {found.empty() ? region->start() : found.start, region->end()};
        else if (!found.empty()) break;
    }
    return found;
}

// Unless the process has moved its break meanwhile: the memory is in use then, perhaps.
VirtualRange Preallocation::withdraw_heap(WorkerContext& context, Space& space, const Request& request) {
    const VirtualAddress old_end{request.results[0]}, end = old_end + request.results[1];
    SegmentHold held(context, space, space.common());
    if (space.heap_end != end || space.forking) return {};
    space.heap_end = old_end;
    return {page_up(old_end), page_up(end)};
}

// Marked, so that nobody comes between.
VirtualRange Preallocation::withdraw_map(WorkerContext& context, Space& space, const Request& request) {
    const VirtualRange range = request.range.range;
    Segment& segment = *space.find_segment(range.start);
    SegmentHold held(context, space, segment);
    Region* region = segment.regions().floor(range.start.raw());
    if (region == nullptr || region->range() != range || !is_preallocated(*region) || segment.busy(range)) return {};
    Segment::Change change(segment);
    region->set_work(RegionWork::Unmapping);
    return range;
}

// Of what is not to be had: out of the space again, and to be unmapped; empty: it is in use meanwhile.
VirtualRange Preallocation::withdraw(WorkerContext& context, Space& space, Request& request) {
    const bool heap = request.range.range.end <= AddressLayout::kCommonMaps;
    const VirtualRange surplus = heap ? withdraw_heap(context, space, request) : withdraw_map(context, space, request);
    request.results[0] = request.results[1] = 0;
    if (surplus.empty()) return surplus;
    request.reserve.lend(context.slabs());
    RangeOperation::unmap_later(context, request, surplus);
    if (!heap) request.range.marked = surplus;
    return surplus;
}

bool Preallocation::proceed(WorkerContext& context, Request& request) {
    Space* space = context.find_in_step(request.process);
    request.error = space == nullptr ? Error::NoProcess : TouchOperation::step_over(context, *space, request);
    if (!TouchOperation::ends(context, request)) return false;
    const bool withdrawn = request.error == Error::NoMemory && !withdraw(context, *space, request).empty();
    if (space != nullptr) end(context, *space);
    if (!withdrawn) request.reserve.release(context.slabs());
    return !withdrawn;
}

}  // namespace shoal::vm
