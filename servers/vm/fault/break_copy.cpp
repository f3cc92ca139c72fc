// Writing to pages that are copied on write.
#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/fault/touch_page.hpp"

namespace shoal::vm {

namespace {

// Who waits goes on when all have flushed it. A Request is reserved.
void flush_for(WorkerContext& context, FlushBatch& batch, Waiter waiter) {
    batch.insist();
    (void)FlushBatch::post(context, batch, &waiter.request(context));
}

}  // namespace

// Nobody has the old entry cached: at most this CPU had, and its fault has taken it out (SDM vol. 3A, 4.10.4.1). Of a fault that has
// waited, others may have brought it in again.
bool Attempt::alone_in(const Leaf& leaf) const {
    const Receipt* receipt = waiter_.receipt();
    const bool faulted = receipt != nullptr && receipt->message.type() == kPageFault && !receipt->again;
    return leaf.cpus.empty() || (faulted && leaf.cpus.is_only(context_.cpu()));
}

// Where others may read the old frame, the copy is not to be written before they have flushed it: it gets that right by a fault after.
void Attempt::replace(Leaf& leaf, PageSpan region, unsigned page, Access allowed, FrameNumber copy) {
    broken_ = context_.slabs().create_reserved<FlushBatch>(space_.process(), context_.cpu());
    replace_by_copy(context_, leaf, region, page, copy, alone_in(leaf) ? allowed : allowed.without_write(), *broken_);
}

Touch Attempt::break_copy(Leaf& leaf, PageSpan region, unsigned page, Access allowed) {
    if (take_over(context_, leaf, page, allowed)) return Touch::Mapped;
    // --- commit point ---
    replace(leaf, region, page, allowed, context_.frames().allocate_reserved());
    return Touch::Mapped;
}

// Lent to be read, until nobody else has it, or whoever has lent it ends.
Touch Attempt::end_lent(Leaf& leaf, PageSpan region, unsigned page, Access allowed) {
    if (take_over(context_, leaf, page, allowed)) return Touch::Mapped;
    const bool ended = context_.processes.joint_mappings().has_lost_source(context_, space_.process(), address_);
    return ended ? break_copy(leaf, region, page, allowed) : Touch::Denied;
}

// The copy is charged, which what was borrowed was not.
Touch Attempt::break_loan(Leaf& leaf, PageSpan region, unsigned page, PageSupply& supply) {
    if (!supply.zeroed.ready()) return Touch::NoMemory;
    // --- commit point ---
    replace(leaf, region, page, supply.attributes.access, supply.zeroed.release());
    return Touch::Mapped;
}

Touched Attempt::settle_break(Touched touched) {
    FlushBatch& batch = *broken_;
    broken_ = nullptr;
    if (touched.usable()) {
        (void)FlushBatch::post(context_, batch, nullptr);
        return touched;
    }
    flush_for(context_, batch, waiter_);
    return touched;
}

Error make_private(WorkerContext& context, Space& space, Leaf& leaf, unsigned page) {
    if (!reserve_for_touch(context).ok()) return Error::NoMemory;
    FlushBatch* batch = context.slabs().create_reserved<FlushBatch>(space.process(), context.cpu());
    {
        Guard guard(context.locks(), leaf.lock);
        const Run* run = leaf.trees.find(page);
        const bool copied = run != nullptr && breaks_on_write(run->state().ownership) && leaf.flushing == 0;
        if (copied && !take_over(context, leaf, page, run->state().access))
            replace_by_copy(context, leaf, leaf.trees.span_over(page), page, context.frames().allocate_reserved(), run->state().access, *batch);
    }
    if (batch->empty()) FlushBatch::discard(context, *batch);
    else flush_for(context, *batch, {});
    return Error::Again;
}

}  // namespace shoal::vm
