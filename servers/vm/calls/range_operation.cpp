#include "servers/vm/calls/range_operation.hpp"

#include "servers/vm/calls/attaching.hpp"
#include "servers/vm/calls/detach.hpp"
#include "servers/vm/calls/region_edits.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/fault/touch_page.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

namespace {

uint64_t leaves_over(VirtualRange range) {
    return ((range.end - 1).leaf_down() - range.start.leaf_down()) / kLeafSize + 1;
}

uint32_t segments_over(const Space& space, VirtualRange range) {
    return space.layout().segment_of(range.end - 1) - space.layout().segment_of(range.start) + 1;
}

}  // namespace

Result<void> RangeOperation::reserve(WorkerContext& context) {
    // A leaf at either end of the range may be cut in the middle of a run; those between lose whole runs.
    return Reserve::ensure<Region, RunTree, Run, FlushBatch, Request>(
        context.worker, 0, {region_edits::kMostNewRegions, 2 * RunForest::kMostNewTrees, 2 * RunForest::kMostNewRuns, 1, 1});
}

Result<void> RangeOperation::reserve_from_stock(WorkerContext& context) {
    return Reserve::ensure_from_stock<Region, RunTree, Run, FlushBatch, Request>(
        context.worker, {region_edits::kMostNewRegions, 2 * RunForest::kMostNewTrees, 2 * RunForest::kMostNewRuns, 1, 1});
}

Result<void> RangeOperation::reserve_from_frames(WorkerContext& context) {
    context.frames().open_stock();
    const Result<void> reserved = reserve_from_stock(context);
    context.frames().close_stock();
    return reserved;
}

bool RangeOperation::changes_regions() const {
    return progress_.kind != RangeKind::Discard && progress_.kind != RangeKind::Settle && !progress_.vacant;
}

// Under the segment's lock. Faults may add pages meanwhile; no more than there is room for.
bool RangeOperation::fits_one_step(VirtualRange part) const {
    const uint64_t leaves = leaves_over(part);
    if (leaves > kMostLeavesAtOnce) return false;
    if (leaves * kPagesPerLeaf <= kMostPagesAtOnce) return true;
    uint32_t pages = 0;
    space_.leaves.for_each_in(part, [&](Leaf& leaf) {
        Guard guard(context_.locks(), leaf.lock);
        pages += leaf.resident;
    });
    return pages <= kMostPagesAtOnce;
}

// Under the segment's lock, before the first change. Over several segments an unmapping only shortens regions.
bool RangeOperation::leaves_more(const Segment& segment, VirtualRange part) const {
    const bool whole = part == progress_.range;
    if (progress_.kind == RangeKind::Unmap) return whole && region_edits::surrounded(segment, part);
    return progress_.kind == RangeKind::Protect && (!whole || region_edits::growth_by_isolation(segment, part) > 0);
}

// Regions more than there were, in the first part of the range.
uint32_t RangeOperation::growth(const Segment& segment, VirtualRange part) const {
    if (progress_.kind == RangeKind::Unmap) return part == progress_.range && region_edits::surrounded(segment, part) ? 1 : 0;
    if (progress_.kind == RangeKind::Protect) return region_edits::growth_by_isolation(segment, part);
    return progress_.kind == RangeKind::Replace ? region_edits::growth_by_put(segment, part) : 0;
}

// Under the segment's lock, before the first change: what has begun ends, paid or not.
bool RangeOperation::allowed(Segment& segment, VirtualRange part) {
    if (progress_.means == Means::Stocks) return !leaves_more(segment, part);
    return space_.pay_for_regions(context_.locks(), context_.slabs(), segment, growth(segment, part)).ok();
}

Request* RangeOperation::request_for(Request* request, const Receipt& receipt) {
    if (request != nullptr) return request;
    request = context_.slabs().create_reserved<Request>(RequestKind::Range, receipt, context_.cpu());
    request->process = space_.process();
    ++context_.desk.range_operations;
    return request;
}

// nullptr: there are not so many.
Request* RangeOperation::request_with_regions(WorkerContext& context, Space& space, const Receipt& receipt, uint32_t regions) {
    Request* request = context.slabs().create_reserved<Request>(RequestKind::Range, receipt, context.cpu());
    request->process = space.process();
    if (request->reserve.fill(context.slabs(), regions).ok()) {
        ++context.desk.range_operations;
        return request;
    }
    context.slabs().destroy(request);
    return nullptr;
}

// One that has not begun.
void RangeOperation::give_up(WorkerContext& context, Request& request) {
    request.reserve.release(context.slabs());
    context.slabs().destroy(&request);
    --context.desk.range_operations;
}

void RangeOperation::keep_reserve(WorkerContext& context, Request& request) {
    const RangeKind kind = request.range.kind;
    if (kind != RangeKind::Populate && kind != RangeKind::Settle) request.reserve.keep(context.slabs());
}

void RangeOperation::visit(Leaf& leaf, VirtualRange part) {
    Guard guard(context_.locks(), leaf.lock);
    pages_visited_ += leaf.resident;
    if (changes_regions() && leaf.detached()) change_own_regions(leaf);
    change_pages(leaf, leaf.pages_of(part));
}

// Of a leaf that the range covers whole.
void RangeOperation::change_own_regions(Leaf& leaf) {
    if (progress_.kind != RangeKind::Protect) return drop_own_regions(context_, space_, leaf);
    Segment& own = *leaf.own_regions();
    region_edits::set_access(own, own.range(), progress_.access);
    region_edits::merge(context_, own, own.range());
    space_.settle_regions(context_.locks(), context_.slabs(), own);
}

// Under the leaf's lock.
void RangeOperation::change_pages(Leaf& leaf, PageSpan span) {
    if (changes_regions()) leaf.revoke(span);
    if (progress_.kind == RangeKind::Protect) {
        protect_pages(context_, leaf, span, progress_.access, batch_);
        return;
    }
    if (progress_.kind == RangeKind::Settle || progress_.vacant) return settle_pages(leaf, span, batch_);
    const Taking taking = progress_.kind == RangeKind::Discard ? Taking::Private : Taking::All;
    const unsigned taken = unmap_pages(context_, leaf, span, taking, batch_);
    if (taken > 0) space_.quota.refund(context_.locks(), PageCount{taken});
}

void RangeOperation::mark_tree(Segment& segment, VirtualRange part) {
    // One region over all of it, so that nobody maps something into a hole of it meanwhile.
    if (progress_.kind == RangeKind::Unmap)
        return region_edits::put(context_, segment, part, {Access::none(), RegionTraits::None, RegionWork::Unmapping});
    if (progress_.kind == RangeKind::Replace)
        return region_edits::put(context_, segment, part, replacement(part, RegionWork::Replacing));
    region_edits::isolate(context_, segment, part);
    region_edits::set_access(segment, part, progress_.access);
    region_edits::set_work(segment, part, RegionWork::Changing);
}

// False: not yet, a leaf at an end of it has been detached meanwhile.
bool RangeOperation::mark(Segment& segment, VirtualRange part) {
    const bool vacant = progress_.kind == RangeKind::Unmap && segment.is_free(part);
    if (!vacant) {
        Segment::Change change(segment);
        if (beside_detached(part)) return false;
        forget_grants(part);
        mark_tree(segment, part);
    }
    progress_.marked = part;
    progress_.vacant = vacant;
    return true;
}

// Only the part with the range's lowest page has a stack's guard.
RegionAttributes RangeOperation::replacement(VirtualRange part, RegionWork work) const {
    const RegionAttributes lowest{progress_.access, progress_.traits, work, progress_.type, progress_.backing};
    return part.start == progress_.range.start ? lowest : lowest.without_guard();
}

void RangeOperation::visit_all(VirtualRange part) {
    space_.leaves.for_each_in(part, [&](Leaf& leaf) { visit(leaf, part); });
}

// Within a Change of more leaves than one: so that no fault has a page by a grant when another one has been refused already.
void RangeOperation::forget_grants(VirtualRange part) {
    if (leaves_over(part) <= 1) return;
    space_.leaves.for_each_in(part, [&](Leaf& leaf) {
        leaf.forget();
        pages_visited_ += kPagesALeaf;
    });
}

void RangeOperation::edit_tree(Segment& segment, VirtualRange part) {
    if (progress_.kind == RangeKind::Replace) return region_edits::put(context_, segment, part, replacement(part, RegionWork::None));
    if (progress_.kind == RangeKind::Unmap) return region_edits::cut(context_, segment, part);
    region_edits::isolate(context_, segment, part);
    region_edits::set_access(segment, part, progress_.access);
    region_edits::merge(context_, segment, part);
}

// Regions first, then leaves (Segment (b)). Replacing, the old pages go before the new region can be seen: a fault must not
// give an old page the new one's rights. False: not yet, a leaf at an end of it has been detached meanwhile.
bool RangeOperation::edit(Segment& segment, VirtualRange part) {
    const bool leaves_first = progress_.kind == RangeKind::Replace;
    const Segment::Visits visits(segment);
    {
        Segment::Change change(segment);
        if (beside_detached(part)) return false;
        if (!leaves_first) forget_grants(part);
        edit_tree(segment, part);
        if (leaves_first) visit_all(part);
    }
    if (!leaves_first) visit_all(part);
    return true;
}

// Within a Change. A leaf that is covered in part and is being detached: either its regions are seen here, or who detaches it sees the
// version changed, and takes them back.
bool RangeOperation::beside_detached(VirtualRange part) const {
    const auto detached = [&](VirtualAddress at) {
        const Leaf* leaf = at == at.leaf_down() ? nullptr : space_.leaves.find(at);
        return leaf != nullptr && leaf->detached();
    };
    return detached(part.start) || detached(part.end);
}

// The regions are there that were to be, or gone, and the pages with them.
void RangeOperation::let_go() {
    if (progress_.kind != RangeKind::Unmap && progress_.kind != RangeKind::Replace) return;
    if (space_.attachments.empty()) return;
    if (Attachment* attachment = replacement(progress_.range, RegionWork::None).attachment())
        settle_attachment(context_, space_, *attachment);
    sweep(context_, space_, progress_.range);
}

// The leaf at the cursor, if what is to be changed there is its own affair.
Leaf* RangeOperation::leaf_to_itself() {
    if (!progress_.marked.empty() || !changes_regions() || progress_.type != MemoryType::Anonymous) return nullptr;
    const VirtualRange leaf = VirtualRange::of(progress_.cursor.leaf_down(), kLeafSize);
    const VirtualRange part = VirtualRange{progress_.cursor, leaf.end}.intersect(progress_.range);
    if (part == leaf) return nullptr;
    if (progress_.means == Means::Stocks || part != progress_.range) return find_detached(space_, part);
    return detach(context_, space_, part);
}

// Where the part ends that is changed in the segment's tree.
VirtualAddress RangeOperation::end_of_tree_part(VirtualAddress end) const {
    const VirtualAddress last = end.leaf_down();
    return end > last && last > progress_.cursor && find_detached(space_, {last, end}) != nullptr ? last : end;
}

RangeOperation::Step RangeOperation::do_detached(Leaf& leaf, VirtualRange part) {
    if (!batch_.has_room_for(1)) return Step::More;
    {
        Guard guard(context_.locks(), leaf.lock);
        Segment* own = leaf.own_regions();
        if (own == nullptr) return Step::Again;
        if (progress_.cursor == progress_.range.start && !allowed(*own, part)) return Step::Refused;
        edit_tree(*own, part);
        change_pages(leaf, leaf.pages_of(part));
        space_.settle_regions(context_.locks(), context_.slabs(), *own);
        progress_.cursor = part.end;
        if (!own->regions().empty()) return Step::Done;
    }
    (void)attach(context_, space_, leaf);
    return Step::Done;
}

void RangeOperation::finish_marked(Segment& segment) {
    const VirtualRange part = progress_.marked;
    const bool changed = changes_regions();
    progress_.marked = {};
    progress_.vacant = false;
    if (!changed) return;
    Request* waiting = nullptr;
    {
        SegmentHold held(context_, space_, segment);
        Segment::Change change(segment);
        if (progress_.kind == RangeKind::Unmap) {
            region_edits::cut(context_, segment, part);
        } else {
            region_edits::set_work(segment, part, RegionWork::None);
            region_edits::merge(context_, segment, part);
        }
        space_.settle_regions(context_.locks(), context_.slabs(), segment);
        waiting = segment.waiting;
        segment.waiting = nullptr;
    }
    release_all(context_, waiting);
}

RangeOperation::Step RangeOperation::do_marked(Segment& segment) {
    // A step that ends with the range must finish it, too: so the bounds are asked about where there is more.
    for (uint32_t visited = 0;; ++visited) {
        Leaf* leaf = space_.leaves.next(progress_.cursor.leaf_down(), progress_.marked.end);
        if (leaf == nullptr) {
            progress_.cursor = progress_.marked.end;
            finish_marked(segment);
            return Step::Done;
        }
        if (visited == FlushBatch::kMaxLeaves || pages_visited_ + kPagesPerLeaf > kMostPagesAtOnce) return Step::More;
        visit(*leaf, progress_.marked);
        progress_.cursor = leaf->range().end;
    }
}

// Where others have to flush it, the addresses are free at the request's end (return_holes()).
void RangeOperation::note_unmapped(Segment& segment, VirtualRange part) {
    if (batch_.local()) segment.reuse(part);
    else if (part.start >= AddressLayout::kSlices && part.size() < kLeafSize) segment.note_flushed_elsewhere();
}

RangeOperation::Step RangeOperation::do_part(Segment& segment, VirtualRange part, Request*& request,
                                             const Receipt& receipt) {
    if (!changes_regions()) {  // nobody is in its way: leaf by leaf, without the segment's lock
        progress_.marked = part;
        return Step::More;
    }
    SegmentHold held(context_, space_, segment);
    if (segment.busy(part)) {
        if (!batch_.empty()) return Step::More;  // first what is done already
        request = request_for(request, receipt);
        request->range = progress_;
        park(*request, segment.waiting);
        return Step::Blocked;
    }
    if (progress_.cursor == progress_.range.start && !allowed(segment, part)) return Step::Refused;
    if (!fits_one_step(part)) {
        if (!mark(segment, part)) return Step::Again;
        space_.settle_regions(context_.locks(), context_.slabs(), segment);
        return Step::More;
    }
    if (!batch_.has_room_for(leaves_over(part))) return Step::More;
    if (!edit(segment, part)) return Step::Again;
    if (changes_regions()) space_.settle_regions(context_.locks(), context_.slabs(), segment);
    progress_.cursor = part.end;
    if (progress_.kind == RangeKind::Unmap && part.start >= AddressLayout::kCommonMaps) note_unmapped(segment, part);
    return Step::Done;
}

RangeOperation::Step RangeOperation::populate(const Receipt& receipt) {
    for (uint64_t done = 0; done < kPagesPerPopulateStep && progress_.cursor < progress_.range.end; ++done) {
        const Touched touched = touch_page(context_, space_, progress_.cursor, Access::read(), Toucher::Vm, {});
        // Filling in advance is a wish: where memory ends, or the range has changed, so does it.
        if (!touched.usable() && touched.outcome != Touch::Parked && touched.outcome != Touch::Denied) return Step::Done;
        progress_.cursor = progress_.cursor + kPageSize;
    }
    (void)receipt;
    return progress_.cursor < progress_.range.end ? Step::More : Step::Done;
}

RangeOperation::Step RangeOperation::advance(Request*& request, const Receipt& receipt) {
    if (progress_.kind == RangeKind::Populate) return populate(receipt);
    while (progress_.cursor < progress_.range.end) {
        const uint32_t index = space_.layout().segment_of(progress_.cursor);
        const VirtualAddress segment_end = space_.layout().segment_range(index).end;
        Segment* segment = space_.segment(index);
        if (segment == nullptr) {
            progress_.cursor = segment_end;
            continue;
        }
        VirtualRange part = VirtualRange{progress_.cursor, segment_end}.intersect(progress_.range);
        const bool marked = !progress_.marked.empty();
        if (marked && !batch_.empty()) return Step::More;
        Leaf* const leaf = leaf_to_itself();
        if (!marked && changes_regions()) part.end = end_of_tree_part(part.end);
        const Step step = leaf != nullptr ? do_detached(*leaf, part.intersect(leaf->range()))
                          : marked        ? do_marked(*segment)
                                          : do_part(*segment, part, request, receipt);
        if (step == Step::Again && progress_.type != MemoryType::Anonymous) {
            attach_all(context_, space_, part);
            return Step::More;
        }
        if (step == Step::Again) continue;
        // Each part replaced takes a region of its own, and the reserve is for one; so do the parts beside a detached leaf.
        const bool takes_more = progress_.kind == RangeKind::Replace || leaf != nullptr || part.end < segment_end;
        if (step == Step::Done && takes_more && progress_.cursor < progress_.range.end) return Step::More;
        if (step == Step::Blocked || step == Step::Refused || (step == Step::More && (marked || progress_.marked.empty()))) return step;
    }
    let_go();
    return Step::Done;
}

void RangeOperation::return_holes(WorkerContext& context, Space& space, const RangeProgress& progress) {
    if (progress.kind != RangeKind::Unmap || find_detached(space, progress.range) != nullptr) return;
    space.for_each_segment(progress.range, [&](Segment& segment) {
        const VirtualRange part = progress.range.intersect(segment.range());
        SegmentHold held(context, space, segment);
        if (part.start >= AddressLayout::kCommonMaps && segment.is_free(part)) segment.reuse(part);
    });
}

RangeOperation::Started RangeOperation::start(WorkerContext& context, Space& space, const Receipt& receipt,
                                              const RangeProgress& what) {
    RangeProgress progress = what;
    Request* request = nullptr;
    if (const uint32_t segments = segments_over(space, what.range); what.kind == RangeKind::Replace && segments > 1) {
        request = request_with_regions(context, space, receipt, segments);
        if (request == nullptr) return {Started::Kind::Refused};
    }
    FlushBatch* batch = context.slabs().create_reserved<FlushBatch>(space.process(), context.cpu());
    RangeOperation operation(context, space, progress, *batch);
    const Step step = operation.advance(request, receipt);
    if (step == Step::Refused) {
        FlushBatch::discard(context, *batch);
        if (request != nullptr) give_up(context, *request);
        return {Started::Kind::Refused};
    }
    if (step == Step::Done && request == nullptr && batch->local()) {
        const bool cached = FlushBatch::post(context, *batch, nullptr) == FlushBatch::Outcome::FinishedLocally;
        return {cached ? Started::Kind::FinishedLocally : Started::Kind::Finished};
    }
    request = operation.request_for(request, receipt);
    request->range = progress;
    request->finished = step == Step::Done;
    if (!request->finished) keep_reserve(context, *request);
    if (step == Step::Blocked) {
        FlushBatch::discard(context, *batch);
        return {Started::Kind::Unfinished, request};
    }
    batch->insist();
    if (FlushBatch::post(context, *batch, request) != FlushBatch::Outcome::Pending) context.desk.push(*request);
    return {request->finished ? Started::Kind::Flushing : Started::Kind::Unfinished, request};
}

void RangeOperation::unmap_later(WorkerContext& context, Request& request, VirtualRange range) {
    request.reserve.keep(context.slabs());
    request.kind = RequestKind::Range;
    request.range = {RangeKind::Unmap, {}, range, range.start, {}};
    ++context.desk.range_operations;
    context.desk.push_ready(request);
}

void RangeOperation::unmap_marked(WorkerContext& context, Request& request, Space& space, VirtualRange range) {
    Segment& segment = *space.find_segment(range.start);
    {
        SegmentHold held(context, space, segment);
        Segment::Change change(segment);
        region_edits::set_work(segment, range, RegionWork::Unmapping);
    }
    unmap_later(context, request, range);
    request.range.marked = range;
}

bool RangeOperation::proceed(WorkerContext& context, Request& request) {
    Space* space = context.find_in_step(request.process);
    if (space == nullptr) request.reserve.release(context.slabs());  // it ended meanwhile; its end takes care of the rest
    if (space == nullptr) return true;
    if (request.finished) {
        request.reserve.release(context.slabs());
        return_holes(context, *space, request.range);
        return true;
    }
    if (!context.slabs().ensure_from_stock<FlushBatch>(1).ok()) {
        context.desk.push_ready(request);  // whoever has one waits for nothing but flushes
        return false;
    }
    request.reserve.lend(context.slabs());
    FlushBatch* batch = context.slabs().create_reserved<FlushBatch>(space->process(), context.cpu());
    RangeOperation operation(context, *space, request.range, *batch);
    Request* self = &request;
    const Step step = operation.advance(self, request.receipt);
    request.finished = step == Step::Done;
    if (step == Step::Refused) {
        FlushBatch::discard(context, *batch);
        request.reserve.release(context.slabs());
        if (Attachment* attachment = operation.replacement(request.range.range, RegionWork::None).attachment())
            settle_attachment(context, *space, *attachment);
        request.error = Error::NoMemory;
        return true;
    }
    if (!request.finished) keep_reserve(context, request);
    if (step == Step::Blocked) {
        FlushBatch::discard(context, *batch);
        return false;
    }
    batch->insist();
    if (FlushBatch::post(context, *batch, &request) != FlushBatch::Outcome::Pending) context.desk.push(request);
    return false;
}

}  // namespace shoal::vm
