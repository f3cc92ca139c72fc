#include "servers/vm/calls/contiguous_operation.hpp"

#include <algorithm>

#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/placement.hpp"
#include "servers/vm/calls/range_operation.hpp"
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

Result<FrameBlock> ContiguousOperation::decode(uint64_t bytes, uint64_t flags) {
    constexpr uint64_t kNeeded = kMapContiguous | kMapPopulate, kRefused = kMapFixed | kMapGrowsDown;
    if ((flags & kNeeded) != kNeeded || (flags & kRefused) != 0) return Error::Invalid;
    if (bytes > kMostContiguousBytes) return Error::NoMemory;
    FrameBlock block{static_cast<uint32_t>(bytes >> kPageShift)};
    if ((flags & kMapAligned64K) != 0) block.alignment = k64K;
    if ((flags & kMapBelow16M) != 0) block.below = k16M;
    if ((flags & kMapBelow1M) != 0) block.below = k1M;
    return block;
}

Error ContiguousOperation::start(WorkerContext& context, const Receipt& receipt, ProcessId process, const FrameBlock& wanted,
                                 Access access) {
    Result<Request*> made = context.slabs().create<Request>(RequestKind::Contiguous, receipt, context.cpu());
    if (!made.ok()) return made.error();
    Request* request = made.value();
    const Result<FrameRange> block = context.frames().allocate_block(wanted);
    if (!block.ok()) {
        context.slabs().destroy(request);
        return wait_for_neighbours(context, receipt) ? Error::DoNotReply : Error::NoMemory;
    }
    // --- commit point ---
    request->process = process;
    request->frames = block.value();
    request->range.kind = RangeKind::Clear;
    request->range.access = access;
    context.desk.push_ready(*request);
    return Error::DoNotReply;
}

ContiguousOperation::Step ContiguousOperation::clear() {
    const FrameRange& frames = request_.frames;
    const uint64_t end = std::min(frames.count, request_.cleared + kClearedPerStep);
    while (request_.cleared < end) zero_frame(frames.first + request_.cleared++);
    if (end == frames.count) request_.range.kind = RangeKind::Place;
    return Step::More;
}

// As mmap: where the caller wants it, or else anywhere, unless he wants nothing else.
Result<VirtualAddress> ContiguousOperation::place_as_wished() {
    const uint64_t bytes = PageCount{request_.frames.count}.bytes(), flags = request_.receipt.message.words[4];
    const RegionAttributes closed{request_.range.access, RegionTraits::None, RegionWork::Changing, MemoryType::Contiguous};
    const VirtualAddress wish{request_.receipt.message.words[1]};
    if (AddressLayout::can_map(wish, bytes)) {
        const Result<void> inserted = insert_over(context_, space_, VirtualRange::of(wish, bytes), closed);
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
        case RangeKind::Clear: return clear();
        case RangeKind::Place: return place();
        default: return fill();
    }
}

// What is mapped goes again, by the request that it has become; true: nothing is.
bool ContiguousOperation::undo() {
    give_back(context_, request_.frames);
    if (request_.range.kind != RangeKind::Fill) return true;
    const VirtualRange range = request_.range.range;
    open_regions(context_, space_, range);
    request_.reserve.lend(context_.slabs());
    RangeOperation::unmap_later(context_, request_, range);
    return false;
}

bool ContiguousOperation::proceed(WorkerContext& context, Request& request) {
    Space* space = context.processes.find(request.process);
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
    if (step.value() == Step::More) context.desk.push_ready(request);
    if (step.value() != Step::Done) return false;
    request.reserve.release(context.slabs());
    open_regions(context, *space, request.range.range);
    request.results[0] = request.range.range.start.raw();
    return true;
}

}  // namespace shoal::vm
