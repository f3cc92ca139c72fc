#include "servers/vm/joint/unmap_memory.hpp"

#include "servers/vm/leaf/joint_pages.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

namespace {

constexpr unsigned kLeavesPerPartStep = FlushBatch::kMaxLeaves, kHoldsPerCopyStep = 4;

}  // namespace

Leaf* UnmapMemory::next_leaf() const {
    const RangeProgress& progress = request_.range;
    return progress.cursor < progress.range.end ? space_.leaves.next(progress.cursor.leaf_down(), progress.range.end) : nullptr;
}

// A leaf that is being flushed is parted as well: its flush comes before the copy.
Result<UnmapMemory::Step> UnmapMemory::part(FlushBatch& batch) {
    RangeProgress& progress = request_.range;
    for (unsigned holds = 0; holds < kLeavesPerPartStep && batch.has_room_for(1); ++holds) {
        Leaf* leaf = next_leaf();
        if (leaf == nullptr) {
            progress.kind = RangeKind::CopyParted;
            progress.cursor = progress.range.start;
            return Step::More;
        }
        TRY(context_.slabs().ensure<Run>(3 * RunForest::kMostNewRuns));
        Guard guard(context_.locks(), leaf->lock);
        const PageSpan span = leaf->pages_of({progress.cursor, progress.range.end});
        progress.cursor = leaf->address_of(part_pages(context_, *leaf, span, batch));
    }
    return Step::More;
}

// One part of a leaf a hold: what has been copied is flushed before its leaf is met again.
Result<UnmapMemory::Step> UnmapMemory::copy(FlushBatch& batch) {
    RangeProgress& progress = request_.range;
    for (unsigned holds = 0; holds < kHoldsPerCopyStep && batch.empty(); ++holds) {
        Leaf* leaf = next_leaf();
        if (leaf == nullptr) return Step::Done;
        TRY((Reserve::ensure<RunTree, Run>(context_.worker, JointPart::kMostPages, {2, 2 * RunForest::kMostNewRuns})));
        Guard guard(context_.locks(), leaf->lock);
        if (leaf->flushing > 0) {
            park(request_, leaf->waiting);
            return Step::Blocked;
        }
        const PageSpan span = leaf->pages_of({progress.cursor, progress.range.end});
        progress.cursor = leaf->address_of(copy_parting(context_, *leaf, span, batch));
    }
    return Step::More;
}

Result<UnmapMemory::Step> UnmapMemory::advance(FlushBatch& batch) {
    return request_.range.kind == RangeKind::PartPages ? part(batch) : copy(batch);
}

// Whether the request goes on by itself.
bool UnmapMemory::step(WorkerContext& context, Request& request, Space& space) {
    FlushBatch* batch = context.slabs().create_reserved<FlushBatch>(space.process(), context.cpu());
    const Result<Step> step = UnmapMemory(context, request, space).advance(*batch);
    batch->insist();
    const bool blocked = step.ok() && step.value() == Step::Blocked;
    request.finished = !step.ok() || step.value() == Step::Done;
    request.error = step.error();
    const bool flushing = FlushBatch::post(context, *batch, &request) == FlushBatch::Outcome::Pending;
    if (!blocked && !flushing && !request.finished) context.desk.push_more(request);
    return flushing || !request.finished;
}

void UnmapMemory::begin(Request& request, ProcessId process, VirtualAddress address) {
    request.process = process;
    request.range.range.start = address;
}

void UnmapMemory::begin(Request& request, GrantName grant, uint64_t last) {
    request.joint.grant = grant;
    request.joint.last = last;
}

// None: the request has its next mapping. Errors: NoEntry (the grant has no more), BadAddress (none begins there), DoNotReply (the request waits).
Error UnmapMemory::find_next(WorkerContext& context, Request& request) {
    JointMappings& mappings = context.processes.joint_mappings();
    JointWork& work = request.joint;
    const Result<JointMappings::Claimed> next =
        is_about_one(request) ? mappings.claim(context, request.process, request.range.range.start, request)
                              : mappings.claim_next(context, work.grant, work.seen, work.last, request);
    if (!next.ok()) return next.error();
    const JointMappings::Claimed& claimed = next.value();
    work.mapping = claimed.mapping;
    work.seen = claimed.place;
    request.process = claimed.process;
    request.range = {RangeKind::PartPages, {}, claimed.range, claimed.range.start, {}};
    return Error::None;
}

// None: all of its mapping has been copied; DoNotReply: the request comes back.
Error UnmapMemory::go_on(WorkerContext& context, Request& request, Space& space) {
    if (!request.finished) {
        request.error = context.slabs().ensure<FlushBatch>(1).error();
        if (request.error == Error::None && step(context, request, space)) return Error::DoNotReply;
    }
    request.finished = false;
    if (request.error == Error::NoMemory && wait_for_memory(context, request)) return Error::DoNotReply;
    JointMappings& mappings = context.processes.joint_mappings();
    if (request.error == Error::None) mappings.end(context, space, *request.joint.mapping);
    else mappings.finish(context, *request.joint.mapping, request.range.range.end);
    return request.error;
}

bool UnmapMemory::proceed(WorkerContext& context, Request& request) {
    for (;;) {
        if (request.joint.mapping == nullptr) {
            request.error = find_next(context, request);
            if (request.error == Error::DoNotReply) return false;
            if (request.error != Error::None) break;
        }
        // Of a process that has ended the mapping has gone, or goes with it.
        Space* space = context.find_in_step(request.process);
        request.error = space == nullptr ? Error::None : go_on(context, request, *space);
        if (request.error == Error::DoNotReply) return false;
        request.joint.mapping = nullptr;
        request.finished = false;
        if (request.error != Error::None || is_about_one(request)) return true;
    }
    if (request.error == Error::NoEntry) request.error = Error::None;
    return true;
}

}  // namespace shoal::vm
