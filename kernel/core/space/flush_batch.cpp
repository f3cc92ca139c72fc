#include "kernel/core/space/flush_batch.hpp"

namespace shoal::kernel::space {

bool FlushBatch::flush_all() const {
    if (kind != FlushKind::Flush || count == FlushRequest::kFlushAll) return true;
    uint64_t pages = 0;
    for (uint32_t i = 0; i < count; ++i) pages += ranges[i].pages().raw();
    return pages > kMostSinglePages;
}

// A batch is in use while it is posted and not acknowledged by all, and while its message has not been received.
FlushBatch* BatchPool::allocate() {
    const uint64_t posted = posted_.load(std::memory_order_relaxed);
    uint64_t finished = 0;
    for (uint64_t rest = posted; rest != 0; rest &= rest - 1) {
        FlushBatch& batch = batches_[std::countr_zero(rest)];
        // acquire on both: pair with acknowledge() and with the receiver's clearing of `pending`
        if (batch.remaining.load(std::memory_order_acquire) == 0 &&
            !batch.done.pending.load(std::memory_order_acquire))
            finished |= bit(batch);
    }
    const uint64_t used = posted & ~finished;
    posted_.store(used, std::memory_order_relaxed);
    return used == ~uint64_t{0} ? nullptr : &batches_[std::countr_zero(~used)];
}

// release pairs with for_each_waiting()
void BatchPool::publish(FlushBatch& batch) {
    posted_.store(posted_.load(std::memory_order_relaxed) | bit(batch), std::memory_order_release);
}

}  // namespace shoal::kernel::space
