#include "servers/vm/calls/fork_operation.hpp"

#include "servers/vm/calls/attaching.hpp"
#include "servers/vm/calls/detach.hpp"
#include "servers/vm/calls/region_edits.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/leaf/copy_on_write.hpp"
#include "servers/vm/memory/memory_types.hpp"
#include "servers/vm/platform/platform.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

namespace {

// So that a fault on this CPU waits no longer than for that. Of pages those and the rest of a piece.
constexpr unsigned kRegionsPerStep = 32, kPartsPerStep = 4, kPagesPerStep = 960;
constexpr unsigned kPagesACopy = 16;  // the contents of a page are copied in the time in which so many are shared
constexpr unsigned kPagesPerPiece = 128;  // under the locks of the leaves: faults there wait as long
constexpr unsigned kPartsPerPiece = SlabCaches::kHalf - Run::kStock - RunTree::kMostNewRuns;

// The first region that begins at `from` or behind it.
Region* next_region(const Segment& segment, VirtualAddress from) {
    Region* region = segment.first_in({from, segment.range().end});
    while (region != nullptr && region->start() < from) region = segment.regions().next(*region);
    return region;
}

}  // namespace

// The copy is ours alone from here on: nobody else forks into it, or out of it.
Result<void> ForkOperation::claim_copy(VirtualRange heap) {
    const bool everything = request_.extent == CopyExtent::Everything;
    bool empty = true;
    copy_.for_each_segment(Space::everything(), [&](Segment& segment) {
        SegmentHold held(context_, copy_, segment);
        empty = empty && segment.regions().empty();
    });
    SegmentHold held(context_, copy_, copy_.common());
    if ((everything && !empty) || copy_.forking || copy_.arriving) return Error::Exists;
    copy_.arriving = true;
    if (everything) copy_.heap_start = heap.start, copy_.heap_end = heap.end;
    return {};
}

// While `forking`, the source's break stands still.
Result<ForkOperation::Step> ForkOperation::begin() {
    VirtualRange heap;
    {
        Segment& common = source_.common();
        SegmentHold held(context_, source_, common);
        if (source_.forking || source_.arriving) {
            park(request_, common.waiting);
            return Step::Blocked;
        }
        source_.forking = true;
        heap = {source_.heap_start, source_.heap_end};
    }
    if (const Result<void> claimed = claim_copy(heap); !claimed.ok()) {
        end(context_, source_, RegionWork::Copying);
        return claimed.error();
    }
    request_.range.kind = RangeKind::CopyRegions;
    request_.range.cursor = request_.extent == CopyExtent::Maps ? AddressLayout::kCommonMaps : VirtualAddress{0};
    return Step::More;
}

// Before the region is marked: what comes after that needs nothing that could fail.
Result<Segment*> ForkOperation::prepare_copy(uint32_t index) {
    Segment* into = TRY(copy_.obtain_segment(index, context_.slabs()));
    TRY(context_.slabs().ensure<Region>(1));
    SegmentHold held(context_, copy_, *into);
    TRY(copy_.pay_for_regions(context_.locks(), context_.slabs(), *into, 1));
    return into;
}

// Closed: what runs in the copy before it is whole, waits.
Result<void> ForkOperation::insert_copy(Segment& into, VirtualRange range, RegionAttributes attributes) {
    attributes.work = RegionWork::Arriving;
    SegmentHold held(context_, copy_, into);
    if (!into.is_free(range)) return Error::Exists;  // whoever runs there has mapped something meanwhile
    Segment::Change change(into);
    region_edits::insert(context_, into, range, attributes);
    return {};
}

bool ForkOperation::is_free(VirtualRange range) {
    Segment& into = *copy_.find_segment(range.start);
    SegmentHold held(context_, copy_, into);
    return into.is_free(range);
}

// What was paid for and not needed.
void ForkOperation::settle_copy(Segment& into) {
    SegmentHold held(context_, copy_, into);
    copy_.settle_regions(context_.locks(), context_.slabs(), into);
}

// Marks the region, so that no leaf of it is detached from here on. False: one is already.
bool ForkOperation::mark(Segment& segment, Region& region) {
    const Segment::Visits visits(segment);
    Segment::Change change(segment);
    if (next_detached(source_, region.range()) != nullptr) return false;
    region.set_work(RegionWork::Copying);
    return true;
}

// The next region of the segment, under its lock; Blocked: the request waits for what is under way on it.
ForkOperation::Found ForkOperation::mark_next(Segment& segment) {
    SegmentHold held(context_, source_, segment);
    Region* region = next_region(segment, request_.range.cursor);
    if (region == nullptr) return {Found::Outcome::None, {}, {}};
    const Found found{Found::Outcome::Marked, region->range(), region->attributes()};
    // Copying: by us, before memory ended.
    if (found.attributes.work != RegionWork::None && found.attributes.work != RegionWork::Copying) {
        park(request_, segment.waiting);
        return {Found::Outcome::Blocked, {}, {}};
    }
    return mark(segment, *region) ? found : Found{Found::Outcome::Detached, found.range, {}};
}

// Over a detached leaf the tree has a region everywhere, and tells of no hole. False: it cannot be attached, for want of memory.
bool ForkOperation::show_holes(VirtualRange range) {
    if (request_.extent != CopyExtent::Maps) return true;
    attach_all(context_, copy_, range);
    return next_detached(copy_, range) == nullptr;
}

// A device only where the copy's own privileges name it. For an update no stack, and nothing where there is something already.
bool ForkOperation::may_have(const Found& found) {
    if (request_.extent == CopyExtent::Maps && (found.attributes.traits == RegionTraits::GrowsDown || !is_free(found.range))) return false;
    if (found.attributes.type != MemoryType::Direct) return true;
    return platform::may_map(copy_.process(), found.attributes.physical(found.range.start), found.range.size()).ok();
}

// An object's memory is attached to the copy, too.
Result<RegionAttributes> ForkOperation::attributes_in_copy(const Found& found) {
    const Attachment* attachment = found.attributes.attachment();
    if (attachment == nullptr) return inherited(found.attributes);
    return RegionAttributes::of(found.attributes.access, found.attributes.type, *TRY(attach_alike(context_, copy_, *attachment)));
}

// Done: the segment has no more.
Result<ForkOperation::Step> ForkOperation::copy_region(Segment& segment) {
    Segment& into = *TRY(prepare_copy(source_.layout().segment_of(segment.range().start)));
    const Found found = mark_next(segment);
    if (found.outcome == Found::Outcome::Marked && !show_holes(found.range)) {
        settle_copy(into);
        return Error::NoMemory;
    }
    if (found.outcome == Found::Outcome::Marked && !may_have(found)) {  // it is left out of the copy
        settle_copy(into);
        request_.range.cursor = found.range.end;
        return Step::More;
    }
    if (found.outcome == Found::Outcome::Marked) {
        const Result<RegionAttributes> attributes = attributes_in_copy(found);
        // --- commit point ---
        const Result<void> inserted = attributes.ok() ? insert_copy(into, found.range, attributes.value()) : attributes.error();
        if (!inserted.ok()) {
            settle_copy(into);
            return inserted.error();
        }
        request_.range.cursor = found.range.end;
        return Step::More;
    }
    settle_copy(into);
    if (found.outcome == Found::Outcome::None) return Step::Done;
    if (found.outcome == Found::Outcome::Blocked) return Step::Blocked;
    attach_all(context_, source_, found.range);
    if (next_detached(source_, found.range) != nullptr) return Error::NoMemory;
    return Step::More;
}

Result<ForkOperation::Step> ForkOperation::copy_regions() {
    for (unsigned done = 0; done < kRegionsPerStep; ++done) {
        if (request_.range.cursor >= AddressLayout::kTop) {
            request_.range.kind = RangeKind::CopyPages;
            request_.range.cursor = VirtualAddress{0};
            return Step::More;
        }
        const uint32_t index = source_.layout().segment_of(request_.range.cursor);
        const VirtualAddress end = source_.layout().segment_range(index).end;
        Segment* segment = source_.segment(index);
        const Step step = segment == nullptr ? Step::Done : TRY(copy_region(*segment));
        if (step == Step::Blocked) return step;
        if (step == Step::Done) request_.range.cursor = end;
    }
    return Step::More;
}

// Returns where it ended; Again: somebody else has to finish there first.
Result<unsigned> ForkOperation::copy_piece(Leaf& from, Leaf& to, PageSpan region, PageSpan wanted, FlushBatch& batch) {
    for (uint32_t frames = 0;; frames = Piece::kCopiedPerPiece) {
        TRY((Reserve::ensure<RunTree, Run>(context_.worker, frames, {1, kPartsPerPiece + RunTree::kMostNewRuns})));
        PairGuard pair(context_.locks(), from.lock, from.order_key(), to.lock, to.order_key());
        if (to.dead || to.flushing > 0) return Error::Again;  // dead: given up in a shortage, as empty
        const Piece piece = first_piece(from, wanted, kPartsPerPiece);
        if (piece.pages == 0) return piece.span.end;
        if (piece.at_once && end_joint(context_, from, piece.span)) continue;
        if (piece.at_once && frames == 0) continue;
        TRY(copy_.quota.charge(context_.locks(), context_.slabs(), PageCount{piece.charged}));
        if (piece.at_once) copy_at_once(context_, from, to, region, piece.span);
        else vm::copy_pages(context_, from, to, region, piece.span, batch);
        pages_done_ += piece.at_once ? kPagesACopy * piece.pages : piece.pages;
        return piece.span.end;
    }
}

// The part of one region in one leaf, from the cursor on, which moves with what is done, until the step has done enough.
Result<void> ForkOperation::copy_leaf_part(Leaf& from, const RegionView& view, FlushBatch& batch) {
    const PageSpan region = pages_of_region(from, view.range, view.attributes);
    TRY((Reserve::ensure<Leaf, LeafNode>(context_.worker, 1, {1, LeafMap::kMostNewNodes})));
    Leaf* to = obtain_leaf(context_, copy_, from.range().start);
    if (to == nullptr) return Error::NoMemory;
    const VirtualAddress begin = from.address_of(region.first);
    unsigned at = request_.range.cursor > begin ? page_in_leaf(request_.range.cursor) : region.first;
    while (at < region.end && pages_done_ < kPagesPerStep) {
        at = TRY(copy_piece(from, *to, region, PageSpan{at, at + kPagesPerPiece}.intersect(region), batch));
        request_.range.cursor = from.address_of(at);
    }
    return {};
}

// The first region that has come to the copy in the range; Absent: none.
RegionView ForkOperation::copied_region(VirtualRange range) {
    RegionView view{Lookup::Absent, 0, {}, {}};
    Segment* segment = copy_.find_segment(range.start);
    if (segment == nullptr) return view;
    SegmentHold held(context_, copy_, *segment);
    for (const Region* region = segment->first_in(range); region != nullptr && region->start() < range.end;
         region = segment->regions().next(*region)) {
        if (region->attributes().work != RegionWork::Arriving) continue;  // the copy's own
        view = {Lookup::Found, 0, region->range(), region->attributes()};
        break;
    }
    return view;
}

// Of an object's memory there is as a rule nothing but what is borrowed.
bool ForkOperation::has_own_pages(Leaf& from, const RegionView& view) {
    if (view.attributes.attachment() == nullptr) return true;
    Guard guard(context_.locks(), from.lock);
    return first_piece(from, from.pages_of(view.range), 1).pages > 0;
}

Result<ForkOperation::Step> ForkOperation::copy_pages(FlushBatch& batch) {
    for (unsigned parts = 0;; ++parts) {
        const VirtualAddress at = request_.range.cursor;
        Leaf* from = source_.leaves.next(at.leaf_down(), AddressLayout::kTop);
        if (from == nullptr) return Step::Done;
        if (parts == kPartsPerStep || pages_done_ >= kPagesPerStep) return Step::More;
        const RegionView region = copied_region(from->range().intersect({at, AddressLayout::kTop}));
        VirtualAddress end = from->range().end;
        if (region.outcome == Lookup::Found) {
            end = region.range.intersect(from->range()).end;
            if (has_own_pages(*from, region)) {
                TRY(copy_leaf_part(*from, region, batch));
                if (request_.range.cursor < end && pages_done_ >= kPagesPerStep) return Step::More;
            }
        }
        request_.range.cursor = end;
    }
}

Result<ForkOperation::Step> ForkOperation::advance(FlushBatch& batch) {
    if (request_.range.kind == RangeKind::CopyRegions) return copy_regions();
    if (request_.range.kind == RangeKind::CopyPages) return copy_pages(batch);
    return begin();
}

// Takes the marks away, and sends on who waits.
void ForkOperation::end(WorkerContext& context, Space& space, RegionWork mark) {
    space.for_each_segment(Space::everything(), [&](Segment& segment) {
        Request* waiting = nullptr;
        {
            SegmentHold held(context, space, segment);
            Segment::Change change(segment);
            for (Region* region = segment.regions().first(); region != nullptr; region = segment.regions().next(*region))
                if (region->attributes().work == mark) region->set_work(RegionWork::None);
            if (&segment == &space.common()) (mark == RegionWork::Copying ? space.forking : space.arriving) = false;
            waiting = segment.waiting;
            segment.waiting = nullptr;
        }
        release_all(context, waiting);
    });
}

// Whether the request goes on by itself: what has been done is being flushed, or is followed by more, or waits.
bool ForkOperation::step(WorkerContext& context, Request& request, Space& source, Space& copy) {
    FlushBatch* batch = context.slabs().create_reserved<FlushBatch>(request.source, context.cpu());
    const Result<Step> step = ForkOperation(context, request, source, copy).advance(*batch);
    batch->insist();
    const bool flushing = FlushBatch::post(context, *batch, &request) == FlushBatch::Outcome::Pending;
    if (step.ok() && step.value() == Step::Blocked) return true;
    const bool more = step.ok() ? step.value() == Step::More : step.error() == Error::Again;
    request.error = more ? Error::None : step.error();
    request.finished = !more;
    if (!flushing && !request.finished) context.desk.push_more(request);
    return flushing || !request.finished;
}

bool ForkOperation::proceed(WorkerContext& context, Request& request) {
    Space* source = context.find_in_step(request.source);
    Space* copy = context.find_in_step(request.process);
    const bool wanted = source != nullptr && copy != nullptr && !source->will_exit() && !copy->will_exit();
    if (!wanted) {
        request.error = Error::NoProcess;
    } else if (!request.finished) {
        request.error = context.slabs().ensure<FlushBatch>(1).error();
        if (request.error == Error::None && step(context, request, *source, *copy)) return false;
    }
    request.finished = false;
    if (request.error == Error::NoMemory && wait_for_memory(context, request)) return false;
    const bool begun = request.range.kind == RangeKind::CopyRegions || request.range.kind == RangeKind::CopyPages;
    if (begun && copy != nullptr) settle_copies(context, *copy);
    if (begun && copy != nullptr) end(context, *copy, RegionWork::Arriving);
    if (begun && source != nullptr) end(context, *source, RegionWork::Copying);
    return true;
}

}  // namespace shoal::vm
