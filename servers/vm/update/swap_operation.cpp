#include "servers/vm/update/swap_operation.hpp"

#include "servers/vm/calls/fork_operation.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/notices/exit_notices.hpp"
#include "servers/vm/platform/platform.hpp"
#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

namespace {

constexpr unsigned kForgottenPerStep = 64;

using LifecyclePair = PairGuard<VmRank::Lifecycle>;

bool idle(const Segment& regions) {
    bool all = true;
    regions.regions().for_each([&](const Region& region) {
        const RegionWork work = region.attributes().work;
        all = all && (work == RegionWork::None || work == RegionWork::Vacant);
    });
    return all;
}

// Whether no operation of several steps is in the middle of it. Nobody begins one: the slot is closed.
bool is_idle(WorkerContext& context, Space& space) {
    bool all = true;
    space.for_each_segment(Space::everything(), [&](Segment& segment) {
        SegmentHold held(context, space, segment);
        all = all && idle(segment);
    });
    space.leaves.for_each_in(Space::everything(), [&](Leaf& leaf) {
        Guard guard(context.locks(), leaf.lock);
        if (const Segment* own = leaf.own_regions()) all = all && idle(*own);
    });
    SegmentHold held(context, space, space.common());
    return all && !space.forking && !space.arriving && !space.pinning && !space.preallocating && space.engagements == 0;
}

void unlink_everywhere(WorkerContext& context, ProcessId process, Request& request) {
    FlushBatch* batch = context.slabs().create_reserved<FlushBatch>(process, context.cpu());
    batch->add_everything(context.processes.cpus());
    (void)FlushBatch::post(context, *batch, &request);
}

}  // namespace

SwapOperation::Step SwapOperation::go_to(Phase phase) {
    request_.swap.phase = phase;
    request_.range.cursor = VirtualAddress{0};
    return Step::Next;
}

SwapOperation::Step SwapOperation::end_with(Error error) {
    request_.error = error;
    return Step::Done;
}

// Most spaces have never been part of a mapping by grants: they leave its lock alone.
bool SwapOperation::lend(ProcessId process) {
    Space* space = context_.find_in_step(process);
    return space != nullptr && space->has_joined() && context_.processes.joint_mappings().concern(context_.locks(), process);
}

bool SwapOperation::lend() { return lend(request_.source) || lend(request_.process); }

// Before anything is inherited, as far as it can be seen: who asks again has the new one left with what the old one had then.
SwapOperation::Step SwapOperation::attempt() {
    const Result<void> possible = platform::may_swap(request_.source, request_.process, asker());
    if (!possible.ok()) return end_with(possible.error());
    if (lend()) return end_with(Error::Busy);
    request_.extent = CopyExtent::Maps;
    return go_to(request_.swap.inherits ? Phase::Inherit : Phase::Close);
}

SwapOperation::Step SwapOperation::inherit() {
    if (!ForkOperation::proceed(context_, request_)) return Step::Blocked;
    return request_.error == Error::None ? go_to(Phase::Close) : Step::Done;
}

SwapOperation::Step SwapOperation::close() {
    ProcessSlot &a = source(), &b = destination();
    bool alone = true;
    {
        LifecyclePair guard(context_.locks(), a.lifecycle, b.lifecycle);
        if (a.swapping() || b.swapping()) return end_with(Error::Busy);  // by another
        Space *one = a.find(request_.source, context_.finder), *other = b.find(request_.process, context_.finder);
        if (one == nullptr || other == nullptr || one->will_exit() || other->will_exit()) return end_with(Error::NoProcess);
        if (one->exit_request == nullptr || other->exit_request == nullptr) return end_with(Error::Busy);  // it is ending
        // --- commit point ---
        context_.processes.swap_desk().begin(context_);
        for (ProcessSlot* slot : {&a, &b}) alone = slot->close_for_swap(context_.finder) && slot->home() == context_.cpu() && alone;
    }
    (void)go_to(Phase::Drain);
    if (alone) return Step::Next;  // nobody else can be in the middle of a step with them
    context_.worker.reclaimer.retire(request_.grace, deleter_of(Retired::ExitRequest));
    ++context_.desk.graces;
    return Step::Blocked;
}

// False: the request waits for the flush of a leaf.
bool SwapOperation::drained(Space& space) {
    for (Leaf* leaf = space.leaves.next(VirtualAddress{0}, AddressLayout::kTop); leaf != nullptr;
         leaf = space.leaves.next(leaf->range().end, AddressLayout::kTop)) {
        Guard guard(context_.locks(), leaf->lock);
        if (leaf->flushing == 0) continue;
        park(request_, leaf->waiting);
        return false;
    }
    return true;
}

SwapOperation::Step SwapOperation::drain() {
    Space &a = *source().space(), &b = *destination().space();
    if (a.will_exit() || b.will_exit()) {  // said by who had found it before: it concerns the name, not what changes places
        open();
        return end_with(Error::NoProcess);
    }
    if (lend() || !is_idle(context_, a) || !is_idle(context_, b)) {
        open();
        return end_with(Error::Busy);
    }
    return drained(a) && drained(b) ? unlink() : Step::Blocked;
}

SwapOperation::Step SwapOperation::unlink() {
    if (!context_.slabs().ensure<FlushBatch>(2).ok()) {
        open();
        return end_with(Error::NoMemory);
    }
    (void)go_to(Phase::Forget);
    ++request_.flushes;  // our own: one that ends at once does not send the request on meanwhile
    unlink_everywhere(context_, request_.source, request_);
    unlink_everywhere(context_, request_.process, request_);
    return --request_.flushes == 0 ? Step::Next : Step::Blocked;
}

// The kernel has no link to its tables: the next fault of each CPU gets one.
SwapOperation::Step SwapOperation::forget(ProcessSlot& slot, Phase next) {
    for (unsigned done = 0; done < kForgottenPerStep; ++done) {
        Leaf* leaf = slot.space()->leaves.next(request_.range.cursor, AddressLayout::kTop);
        if (leaf == nullptr) return go_to(next);
        Guard guard(context_.locks(), leaf->lock);
        leaf->cpus = CpuSet{};
        request_.range.cursor = leaf->range().end;
    }
    context_.desk.push_more(request_);
    return Step::Blocked;
}

SwapOperation::Step SwapOperation::exchange() {
    const Result<Endpoint> answered = platform::swap(request_.source, request_.process, asker());
    if (!answered.ok()) {
        open();
        return end_with(answered.error());
    }
    {
        LifecyclePair guard(context_.locks(), source().lifecycle, destination().lifecycle);
        source().swap(destination());
        swap_watches(source().space()->watches, destination().space()->watches);
        source().space()->set_process(request_.source);
        destination().space()->set_process(request_.process);
    }
    request_.receipt.message.set_source(answered.value());
    open();
    return end_with(Error::None);
}

void SwapOperation::open() {
    {
        LifecyclePair guard(context_.locks(), source().lifecycle, destination().lifecycle);
        // Who has found one of them meanwhile may hold what is in the other slot now.
        const bool alone = source().reopen_alone(request_.source, context_.finder) && destination().reopen_alone(request_.process, context_.finder);
        if (!alone) source().reopen(request_.source), destination().reopen(request_.process);
    }
    context_.processes.swap_desk().end(context_);
}

SwapOperation::Step SwapOperation::advance() {
    switch (request_.swap.phase) {
        case Phase::Try: return attempt();
        case Phase::Inherit: return inherit();
        case Phase::Close: return close();
        case Phase::Drain: return drain();
        case Phase::Forget: return forget(source(), Phase::ForgetOther);
        case Phase::ForgetOther: return forget(destination(), Phase::Exchange);
        case Phase::Exchange: return exchange();
    }
    return Step::Done;
}

bool SwapOperation::proceed(WorkerContext& context, Request& request) {
    Step step = Step::Next;
    while (step == Step::Next) step = SwapOperation(context, request).advance();
    return step == Step::Done;
}

bool waits_for_swap(WorkerContext& context, Request& request) {
    switch (request.kind) {
        case RequestKind::Range:
        case RequestKind::Share:
        case RequestKind::Load:
        case RequestKind::Fork:
        case RequestKind::Touch:
        case RequestKind::Prepare:
        case RequestKind::Preallocate:
        case RequestKind::MapMemory:
        case RequestKind::UnmapMemory:
        case RequestKind::Contiguous: break;
        case RequestKind::Swap:  // until it closes them itself
            if (request.swap.phase > SwapWork::Phase::Close) return false;
            break;
        default: return false;
    }
    const auto swapping = [&](ProcessId process) {
        const ProcessSlot* slot = context.processes.slot(process);
        return slot != nullptr && slot->swapping();
    };
    if (request.finished || (!swapping(request.process) && !swapping(request.source))) return false;
    context.processes.swap_desk().wait(context, request);
    return true;
}

}  // namespace shoal::vm
