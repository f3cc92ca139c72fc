#include "servers/vm/calls/exit_operation.hpp"

#include "servers/vm/calls/attaching.hpp"
#include "servers/vm/calls/detach.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/notices/exit_notices.hpp"
#include "servers/vm/platform/platform.hpp"
#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

namespace {

// What a step may cost, and what the others do: a page that is freed is 1.
constexpr unsigned kStep = 1064, kLeafCost = 16, kRegionCost = 6, kAttachmentCost = 60;

// No CPU has the space any more, and nobody finds it: once no worker is inside it either, the request goes on.
void await_readers(WorkerContext& context, Request& request) {
    if (request.alone) return context.desk.push_ready(request);
    context.worker.reclaimer.retire(request.grace, deleter_of(Retired::ExitRequest));
    ++context.desk.graces;
}

}  // namespace

Request* ExitOperation::claim(WorkerContext& context, ProcessId process, const Receipt& receipt) {
    ProcessSlot& slot = *context.processes.slot(process);
    Guard guard(context.locks(), slot.lifecycle);
    Space* space = slot.find(process, context.finder);
    if (space == nullptr || space->exit_request == nullptr) return nullptr;
    Request* request = space->exit_request;
    space->exit_request = nullptr;
    request->receipt = receipt;
    request->answerer = context.cpu();
    return request;
}

void ExitOperation::give_up(WorkerContext& context, Request& request) {
    ProcessSlot& slot = *context.processes.slot(request.process);
    Guard guard(context.locks(), slot.lifecycle);
    Space* space = slot.find(request.process, context.finder);
    SHOAL_ASSERT(space != nullptr);  // only the request's holder could have ended it
    request.finished = false;
    request.error = Error::None;
    space->exit_request = &request;
}

Error ExitOperation::start(WorkerContext& context, Request& request) {
    ProcessSlot& slot = *context.processes.slot(request.process);
    Error error = Error::None;
    {
        Guard guard(context.locks(), slot.lifecycle);
        request.space = slot.space();
        slot.exit = &request;
        request.alone = slot.close(context.finder);
        const Result<void> asked = platform::destroy_space(request.process);
        // NoProcess: the kernel never made tables for it, or has given them up already.
        if (!asked.ok() && asked.error() != Error::NoProcess) {
            slot.exit = nullptr;
            request.space = nullptr;
            slot.reopen(request.process);
            error = asked.error();
        } else if (!asked.ok()) {
            slot.exit = nullptr;
            await_readers(context, request);
        }
    }
    return error == Error::None ? Error::DoNotReply : error;
}

void ExitOperation::space_gone(WorkerContext& context, ProcessId process) {
    ProcessSlot* slot = context.processes.slot(process);
    if (slot == nullptr) return;
    Guard guard(context.locks(), slot->lifecycle);
    Request* request = slot->exit;
    if (request == nullptr || request->process != process) return;
    slot->exit = nullptr;
    await_readers(context, *request);
}

// More: the step has no room for it. Blocked: a batch still owns pages of it, and the request waits for that.
ExitOperation::Step ExitOperation::free_leaf(WorkerContext& context, Request& request, Leaf& leaf, unsigned& left) {
    Space& space = *request.space;
    {
        Guard guard(context.locks(), leaf.lock);
        if (leaf.flushing > 0) {
            park(request, leaf.waiting);
            return Step::Blocked;
        }
        if (leaf.resident + kLeafCost > left) return Step::More;
        left -= leaf.resident + kLeafCost;
        leaf.dead = true;
        space.leaves.remove(leaf);
        if (leaf.detached()) drop_own_regions(context, space, leaf);
        const uint64_t charged = empty_leaf(context, leaf);
        space.quota.refund(context.locks(), PageCount{charged});
    }
    request.range.cursor = leaf.range().end;
    release_all(context, leaf.waiting);
    context.slabs().destroy(&leaf);
    context.processes.shard(context.cpu()).tables_freed.add();
    return Step::Done;
}

// The leaves go first, then what they were of.
ExitOperation::Step ExitOperation::free_some(WorkerContext& context, Request& request) {
    Space& space = *request.space;
    unsigned left = kStep;
    while (Leaf* leaf = space.leaves.next(request.range.cursor, AddressLayout::kTop)) {
        const Step step = free_leaf(context, request, *leaf, left);
        if (step != Step::Done) return step;
    }
    if (!free_regions(context, space, left)) return Step::More;
    return detach_some(context, space, 1 + left / kAttachmentCost) ? Step::Done : Step::More;
}

bool ExitOperation::proceed(WorkerContext& context, Request& request) {
    const Step step = free_some(context, request);
    if (step == Step::More) context.desk.push_more(request);
    if (step == Step::Done) finish(context, request);
    return step == Step::Done;
}

// Whether all are gone: some in a step.
bool ExitOperation::free_regions(WorkerContext& context, Space& space, unsigned& left) {
    space.for_each_segment(Space::everything(), [&](Segment& segment) {
        Request* waiting = nullptr;
        {
            Segment::Guard guard(context.locks(), segment.lock);
            for (Region* region = nullptr; left >= kRegionCost && (region = segment.first_in(segment.range())) != nullptr; left -= kRegionCost) {
                segment.remove(*region);
                context.slabs().give_back(region);
            }
            if (!segment.regions().empty()) return;
            space.quota.refund(context.locks(), PageCount{segment.paid_pages});
            segment.paid_pages = 0;
            waiting = segment.waiting;
            segment.waiting = nullptr;
        }
        release_all(context, waiting);
    });
    return left >= kRegionCost;
}

void ExitOperation::finish(WorkerContext& context, Request& request) {
    Space& space = *request.space;
    context.processes.joint_mappings().end_all(context, space);
    ProcessSlot& slot = *context.processes.slot(request.process);
    if (slot.has_served_files()) context.processes.file_desk().server_gone(context, request.process);
    space.leaves.free_nodes(context.slabs());
    space.free_segments(context.slabs());
    space.quota.release(context.slabs());
    end_watches(context, space);
    {
        Guard guard(context.locks(), slot.lifecycle);
        ProcessShard& shard = context.processes.shard(slot.home());
        Guard shard_guard(guard.token(), shard.lock);
        shard.living.remove(slot);
        slot.vacate();
    }
    context.slabs().destroy(&space);
    context.slabs().flush_outgoing();
    context.frames().flush_outgoing();
}

}  // namespace shoal::vm
