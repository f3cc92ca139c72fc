#include "servers/vm/calls/contiguous_operation.hpp"

#include <algorithm>

#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/placement.hpp"
#include "servers/vm/calls/range_operation.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

namespace {

constexpr uint64_t kClearedPerStep = 128;  // frames
constexpr FrameNumber k16M{(16 << 20) >> kPageShift}, k1M{(1 << 20) >> kPageShift};
constexpr uint32_t k64K = (64 << 10) >> kPageShift;

void give_back(WorkerContext& context, FrameRange& frames) {
    if (frames.count > 0) context.frames().free_range(frames);
    frames = {};
}

}  // namespace

Result<FrameBlock> ContiguousOperation::decode(uint64_t bytes, uint64_t flags, CallRight right) {
    constexpr uint64_t kNeeded = kMapContiguous | kMapPopulate, kRefused = kMapFixed | kMapGrowsDown | kMapShared;
    if ((flags & kNeeded) != kNeeded || (flags & kRefused) != 0) return Error::Invalid;
    if (bytes > kMostContiguousBytes) return Error::NoMemory;
    FrameBlock block{static_cast<uint32_t>(bytes >> kPageShift)};
    if ((flags & kMapAligned64K) != 0) block.alignment = k64K;
    if ((flags & kMapBelow16M) != 0) block.below = k16M;
    if ((flags & kMapBelow1M) != 0) block.below = k1M;
    if (block.frames > block.below.raw()) return Error::NoMemory;
    if ((flags & (kMapBelow16M | kMapBelow1M)) != 0 && right == CallRight::Plain) return Error::Permission;
    return block;
}

// One at a time of a space. The quota is asked at once, and pays when the pages are there.
Error ContiguousOperation::start(WorkerContext& context, const Receipt& receipt, Space& space, const FrameBlock& wanted, Access access,
                                 CallRight right) {
    if (space.quota.charged().raw() + wanted.frames > space.quota.limit().raw()) return Error::NoMemory;
    if (const Result<void> reserved = context.slabs().ensure<Request>(1); !reserved.ok()) return reserved.error();
    {
        SegmentHold held(context, space, space.common());
        if (space.pinning) {
            park(context, receipt, space.common().waiting);
            return Error::DoNotReply;
        }
        // --- commit point ---
        space.pinning = true;
    }
    Request* request = context.slabs().create_reserved<Request>(RequestKind::Contiguous, receipt, context.cpu());
    request->process = space.process();
    request->search = {wanted, context.worker.arena->frame_pool->areas(), right};
    request->range.kind = RangeKind::Seek;
    request->range.access = access;
    context.desk.push_ready(*request);
    return Error::DoNotReply;
}

// Some of the machine's areas a step, from the highest down.
Result<ContiguousOperation::Step> ContiguousOperation::seek() {
    BlockSearch& search = request_.search;
    const Result<FrameRange> block = context_.frames().allocate_block(search.wanted, search.areas_left);
    if (block.ok()) {
        request_.frames = block.value();
        request_.range.kind = RangeKind::Clear;
        return Step::More;
    }
    if (search.areas_left > 0) return Step::More;
    search.areas_left = context_.worker.arena->frame_pool->areas();  // for another time
    if (search.right == CallRight::Granted && wait_for_neighbours(context_, request_)) return Step::Blocked;
    return Error::NoMemory;
}

ContiguousOperation::Step ContiguousOperation::clear() {
    const FrameRange& frames = request_.frames;
    const uint64_t end = std::min(frames.count, request_.cleared + kClearedPerStep);
    while (request_.cleared < end) zero_frame(frames.first + request_.cleared++);
    if (end == frames.count) request_.range.kind = RangeKind::Place;
    return Step::More;
}

// As mmap: where the caller wants it, but over no segment's border, or else anywhere, unless he wants nothing else.
Result<VirtualAddress> ContiguousOperation::place_as_wished() {
    const uint64_t bytes = PageCount{request_.frames.count}.bytes(), flags = request_.receipt.message.words[4];
    const RegionAttributes closed{request_.range.access, RegionTraits::None, RegionWork::Changing, MemoryType::Contiguous};
    const VirtualAddress wish{request_.receipt.message.words[1]};
    if (AddressLayout::can_map(wish, bytes)) {
        const AddressLayout& layout = space_.layout();
        const bool one_segment = layout.segment_of(wish) == layout.segment_of(wish + (bytes - 1));
        const Result<void> inserted = one_segment ? insert_over(context_, space_, VirtualRange::of(wish, bytes), closed) : Error::NoMemory;
        if (inserted.ok()) return wish;
        if ((flags & kMapFixedNoReplace) != 0) return inserted.error();
    }
    return place_anywhere(context_, space_, bytes, closed);
}

// From here on the request has what undoing it may need.
Result<ContiguousOperation::Step> ContiguousOperation::place() {
    TRY(RangeOperation::reserve(context_));
    const VirtualAddress start = TRY(place_as_wished());
    request_.reserve.keep(context_.slabs());
    request_.range.range = VirtualRange::of(start, PageCount{request_.frames.count}.bytes());
    request_.range.cursor = start;
    request_.range.kind = RangeKind::Fill;
    return Step::More;
}

// One leaf's pages.
Result<ContiguousOperation::Step> ContiguousOperation::fill() {
    TRY(reserve_for_touch(context_));
    const VirtualRange rest{request_.range.cursor, request_.range.range.end};
    Leaf* leaf = obtain_leaf(context_, space_, rest.start);
    if (leaf == nullptr) return Error::NoMemory;
    const PageSpan span = leaf->pages_of(rest);
    TRY(space_.quota.charge(context_.locks(), context_.slabs(), PageCount{span.size()}));
    {
        Guard guard(context_.locks(), leaf->lock);
        if (!leaf->dead && leaf->flushing == 0) {
            map_pinned(context_, *leaf, leaf->pages_of(request_.range.range), span, request_.frames.first, request_.range.access);
            request_.frames = {request_.frames.first + span.size(), request_.frames.count - span.size()};
            request_.range.cursor = leaf->address_of(span.end);
            return request_.frames.count > 0 ? Step::More : Step::Done;
        }
        space_.quota.refund(context_.locks(), PageCount{span.size()});
        if (leaf->flushing == 0) return Step::More;  // dead, and out of the map by now
        park(request_, leaf->waiting);
    }
    return Step::Blocked;
}

Result<ContiguousOperation::Step> ContiguousOperation::advance() {
    switch (request_.range.kind) {
        case RangeKind::Seek: return seek();
        case RangeKind::Clear: return clear();
        case RangeKind::Place: return place();
        default: return fill();
    }
}

void ContiguousOperation::end_pinning(WorkerContext& context, Space& space) {
    Request* waiting = nullptr;
    {
        SegmentHold held(context, space, space.common());
        space.pinning = false;
        waiting = space.common().waiting;
        space.common().waiting = nullptr;
    }
    release_all(context, waiting);
}

// What is mapped goes again, by the request that it has become; true: nothing is.
bool ContiguousOperation::undo() {
    give_back(context_, request_.frames);
    end_pinning(context_, space_);
    if (request_.range.kind != RangeKind::Fill) return true;
    request_.reserve.lend(context_.slabs());
    RangeOperation::unmap_marked(context_, request_, space_, request_.range.range);
    return false;
}

bool ContiguousOperation::proceed(WorkerContext& context, Request& request) {
    Space* space = context.find_in_step(request.process);
    if (space == nullptr) {
        give_back(context, request.frames);
        request.reserve.release(context.slabs());
        request.error = Error::NoProcess;
        return true;
    }
    ContiguousOperation operation(context, request, *space);
    const Result<Step> step = operation.advance();
    request.error = step.error();
    if (!step.ok()) return request.error == Error::NoMemory && wait_for_memory(context, request) ? false : operation.undo();
    if (step.value() == Step::More) context.desk.push_more(request);
    if (step.value() != Step::Done) return false;
    request.reserve.release(context.slabs());
    end_pinning(context, *space);
    open_regions(context, *space, request.range.range);
    request.results[0] = request.range.range.start.raw();
    return true;
}

}  // namespace shoal::vm
