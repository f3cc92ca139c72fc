#include "servers/vm/joint/map_memory.hpp"

#include <utility>

#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/fault/payment.hpp"
#include "servers/vm/fault/touch_page.hpp"
#include "servers/vm/joint/mappable.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

namespace {

constexpr unsigned kPagesPerTouchStep = 128, kPartsPerMapStep = 8;

Error error_of_touch(Touch outcome) {
    switch (outcome) {
        case Touch::NoMemory: return Error::NoMemory;
        case Touch::Denied: return Error::AccessDenied;
        case Touch::Parked: return Error::DoNotReply;
        default: return Error::BadAddress;
    }
}

// A part at worst, and a leaf for it; the quota may take frames for a lease.
Result<void> reserve_for_part(WorkerContext& context) {
    return Reserve::ensure<Leaf, LeafNode, RunTree, Run>(context.worker, JointPart::kMostCopies + Reserve::kFaultFrames,
                                                         {1, LeafMap::kMostNewNodes, 1, 3 * RunForest::kMostNewRuns});
}

}  // namespace

Touched MapMemory::touch_source() {
    const VirtualAddress address = source_address();
    const Access needed = needed_for(request_.joint.mode);
    const Touch payment = judge_payment(context_, source_, address, needed);
    if (payment != Touch::Raced) return {payment};
    return touch_page(context_, source_, address, needed, Toucher::Vm, request_);
}

Result<MapMemory::Step> MapMemory::prepare() {
    RangeProgress& progress = request_.range;
    for (unsigned i = 0; i < kPagesPerTouchStep && progress.cursor < progress.range.end; ++i) {
        const Touched touched = touch_source();
        if (touched.outcome == Touch::Parked) return Step::Blocked;
        if (!touched.usable()) return error_of_touch(touched.outcome);
        progress.cursor = progress.cursor + kPageSize;
    }
    if (progress.cursor < progress.range.end) return Step::More;
    // --- commit point ---
    progress.kind = RangeKind::MapPages;
    progress.cursor = progress.range.start;
    return Step::More;
}

// Under the leaf's lock. A dead leaf without a flush is on its way out of the map.
Result<MapMemory::Step> MapMemory::wait_for(Leaf& leaf) {
    if (leaf.flushing == 0) return Step::More;
    park(request_, leaf.waiting);
    return Step::Blocked;
}

// Under the locks of both.
Result<JointPlace> MapMemory::place_in(Leaf& to, Segment& segment, VirtualAddress address) {
    const Segment& regions = to.detached() ? *to.own_regions() : segment;
    const RegionView view = regions.view_locked(address);
    if (view.outcome != Lookup::Found) return Error::BadAddress;
    TRY(check_mappable(view.attributes));
    const JointPlace place{to, pages_of_region(to, view.range, view.attributes), page_in_leaf(address), view.attributes.access};
    if (!place.region.contains(place.first)) return Error::BadAddress;  // a stack's guard
    return place;
}

// Whether the source has these pages from another, since the mapping was entered: by grants that do not lead to it.
bool MapMemory::has_changed_hands(const Leaf& from, PageSpan part) {
    const VirtualRange addresses{from.address_of(part.first), from.address_of(part.end)};
    return is_joint(from.trees.find(part.first)->state().ownership) &&
           context_.processes.joint_mappings().source_has_newer(context_, *request_.joint.mapping, addresses);
}

// Likewise takes them.
Result<MapMemory::Step> MapMemory::map_between(Leaf& from, Leaf& to, Segment& segment, FlushBatch& from_batch, FlushBatch& batch) {
    PairGuard pair(context_.locks(), from.lock, from.order_key(), to.lock, to.order_key());
    if (to.dead || to.flushing > 0) return wait_for(to);
    if (from.dead || from.flushing > 0) return wait_for(from);
    const JointPlace place = TRY(place_in(to, segment, request_.range.cursor));
    const unsigned first = page_in_leaf(source_address());
    const PageSpan rest = place.region.intersect(to.pages_of({request_.range.cursor, request_.range.range.end}));
    const JointPart part = first_joint_part(context_, from, PageSpan{first, first + rest.size()}.intersect({0, kPagesPerLeaf}), request_.joint.mode);
    const unsigned pages = part.span.size();
    if (part.way == JointPart::Way::Refuse) return Error::Invalid;
    if (part.way == JointPart::Way::Touch) return Step::More;
    if (part.way == JointPart::Way::MakePrivate) return Error::Again;
    if (part.way == JointPart::Way::Share && has_changed_hands(from, part.span)) return Error::BadAddress;
    TRY(destination_.quota.charge(context_.locks(), context_.slabs(), PageCount{count_absent(to, place.span(pages))}));
    // --- commit point ---
    const Seen seen = part.way == JointPart::Way::Share
                          ? share_part(context_, from, part.span, request_.joint.mode, place, from_batch, batch)
                          : copy_part(context_, from, part.span, place, batch);
    if (seen == Seen::Hidden) request_.joint.hidden = VirtualRange::of(request_.range.cursor, pages * kPageSize);
    request_.range.cursor = request_.range.cursor + pages * kPageSize;
    return Step::More;
}

// The segment's lock keeps the destination's regions as they are. Again: a page of the source's has to be made private first.
Result<MapMemory::Step> MapMemory::map_from(Leaf& from, Segment& segment, FlushBatch& from_batch, FlushBatch& batch) {
    const VirtualAddress address = request_.range.cursor;
    SegmentHold held(context_, destination_, segment);
    if (segment.busy(VirtualRange::of(address, kPageSize))) {
        park(request_, segment.waiting);
        return Step::Blocked;
    }
    Leaf* to = obtain_leaf(context_, destination_, address);
    if (to == nullptr) return Error::NoMemory;
    return map_between(from, *to, segment, from_batch, batch);
}

Result<MapMemory::Step> MapMemory::map_part(FlushBatch& from_batch, FlushBatch& batch) {
    const Touched touched = touch_source();
    if (touched.outcome == Touch::Parked) return Step::Blocked;
    if (!touched.usable()) return error_of_touch(touched.outcome);
    TRY(reserve_for_part(context_));
    Segment* segment = destination_.find_segment(request_.range.cursor);
    if (segment == nullptr) return Error::BadAddress;
    Result<Step> mapped = map_from(*touched.leaf, *segment, from_batch, batch);
    if (mapped.error() != Error::Again) return mapped;
    const Error error = make_private(context_, source_, *touched.leaf, page_in_leaf(source_address()));
    return error == Error::Again ? Result<Step>{Step::More} : error;
}

// The pages of the last step, which has been flushed. Where somebody changes something there, faults bring them.
Result<void> MapMemory::open_hidden() {
    const VirtualRange hidden = std::exchange(request_.joint.hidden, {});
    TRY(context_.slabs().ensure<Run>(3 * RunForest::kMostNewRuns));
    Segment& segment = *destination_.find_segment(hidden.start);
    SegmentHold held(context_, destination_, segment);
    Leaf* leaf = destination_.leaves.find(hidden.start);
    if (leaf == nullptr || segment.busy(hidden)) return {};
    Guard guard(context_.locks(), leaf->lock);
    if (leaf->dead || leaf->flushing > 0) return {};
    const Result<JointPlace> place = place_in(*leaf, segment, hidden.start);
    if (place.ok()) open_part(context_, place.value(), static_cast<unsigned>(hidden.size() >> kPageShift));
    return {};
}

// What has to be flushed ends a step.
Result<MapMemory::Step> MapMemory::advance(FlushBatch& from_batch, FlushBatch& batch) {
    if (request_.range.kind == RangeKind::Populate) return prepare();
    if (!request_.joint.hidden.empty()) (void)open_hidden();  // where memory ends faults bring them, too
    for (unsigned parts = 0; parts < kPartsPerMapStep && from_batch.empty() && batch.empty(); ++parts) {
        if (request_.range.cursor >= request_.range.range.end) return Step::Done;
        const Step step = TRY(map_part(from_batch, batch));
        if (step == Step::Blocked) return step;
    }
    return Step::More;
}

// Whether the request goes on by itself.
bool MapMemory::step(WorkerContext& context, Request& request, Space& source, Space& destination) {
    FlushBatch* from_batch = context.slabs().create_reserved<FlushBatch>(source.process(), context.cpu());
    FlushBatch* batch = context.slabs().create_reserved<FlushBatch>(destination.process(), context.cpu());
    const Result<Step> step = MapMemory(context, request, source, destination).advance(*from_batch, *batch);
    const bool blocked = step.ok() && step.value() == Step::Blocked;
    request.finished = !step.ok() || step.value() == Step::Done;
    request.error = step.error();
    const bool flushing = FlushBatch::post_both(context, *from_batch, *batch, request);
    if (!blocked && !flushing && !request.finished) context.desk.push_more(request);
    return flushing || !request.finished;
}

// What has been done by then is what the mapping stands for.
void MapMemory::end(WorkerContext& context, Request& request, Space& destination) {
    const RangeProgress& progress = request.range;
    JointMappings& mappings = context.processes.joint_mappings();
    const bool done = progress.kind == RangeKind::MapPages && progress.cursor > progress.range.start;
    if (done) mappings.finish(context, *request.joint.mapping, progress.cursor);
    else mappings.end(context, destination, *request.joint.mapping);
}

bool MapMemory::proceed(WorkerContext& context, Request& request) {
    Space* source = context.find_in_step(request.source);
    Space* destination = context.find_in_step(request.process);
    if (source == nullptr || destination == nullptr) {
        request.error = Error::NoProcess;
    } else if (!request.finished) {
        request.error = context.slabs().ensure<FlushBatch>(2).error();
        if (request.error == Error::None && step(context, request, *source, *destination)) return false;
    }
    request.finished = false;
    if (destination == nullptr) return true;  // its end takes the mapping with it
    if (request.error == Error::NoMemory && wait_for_memory(context, request)) return false;
    end(context, request, *destination);
    return true;
}

}  // namespace shoal::vm
