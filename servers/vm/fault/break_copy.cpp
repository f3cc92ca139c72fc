// Writing to pages that are copied on write.
#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/fault/touch_page.hpp"

namespace shoal::vm {

namespace {

// Who waits goes on when all have flushed it. A Request is reserved.
void flush_for(WorkerContext& context, FlushBatch& batch, const Receipt* waiter) {
    Request* request = waiter != nullptr ? context.slabs().create_reserved<Request>(RequestKind::Again, *waiter, context.cpu())
                                         : context.slabs().create_reserved<Request>(RequestKind::Flush, Receipt{}, context.cpu());
    batch.insist();
    (void)FlushBatch::post(context, batch, request);
}

}  // namespace

// Nobody has the old entry cached: at most this CPU had, and its fault has taken it out (SDM vol. 3A, 4.10.4.1). Of a fault that has
// waited, others may have brought it in again.
bool Attempt::alone_in(const Leaf& leaf) const {
    const bool faulted = waiter_ != nullptr && waiter_->message.type() == kPageFault && !waiter_->again;
    return leaf.cpus.empty() || (faulted && leaf.cpus.is_only(context_.cpu()));
}

// Where others may read the old frame, the copy is not to be written before they have flushed it: it gets that right by a fault after.
Touch Attempt::break_copy(Leaf& leaf, PageSpan region, unsigned page, Access allowed) {
    if (take_over(context_, leaf, page, allowed)) return Touch::Mapped;
    // --- commit point ---
    broken_ = context_.slabs().create_reserved<FlushBatch>(space_.process(), context_.cpu());
    replace_by_copy(context_, leaf, region, page, alone_in(leaf) ? allowed : allowed.without_write(), *broken_);
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
        const bool copied = run != nullptr && run->state().ownership == Ownership::CopyOnWrite && leaf.flushing == 0;
        if (copied && !take_over(context, leaf, page, run->state().access))
            replace_by_copy(context, leaf, leaf.trees.span_over(page), page, run->state().access, *batch);
    }
    if (batch->empty()) FlushBatch::discard(context, *batch);
    else flush_for(context, *batch, nullptr);
    return Error::Again;
}

}  // namespace shoal::vm
