// Flushes, unlinks and destructions between CPUs. Split-phase: post() returns at once, the last CPU that has done its share
// sends the completion to the requesting CPU's worker. One interrupt a CPU, however many batches wait for it.
#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/space/cpu_spaces.hpp"
#include "kernel/core/space/upper_tables.hpp"

namespace shoal::kernel::space {

bool CpuSpaces::post(FlushBatch& batch, const CpuSet& cpus) {
    SharedSpace& space = shared_.of(batch.slot);
    // After F1 and before holders; pairs with holders.add() in make_root(): a CPU that is none yet will see the new entries
    std::atomic_thread_fence(std::memory_order_seq_cst);
    CpuSet targets = space.holders.read();
    targets &= cpus;
    const bool own = targets.contains(id_);
    targets.remove(id_);

    if (batch.kind == FlushKind::Flush) targets = mark_or_find_users(batch.slot, targets);
    if (own) do_share(batch);
    if (targets.empty()) return true;

    batch.done.pending.store(true, std::memory_order_relaxed);
    batch.remaining.store(static_cast<uint32_t>(targets.size()), std::memory_order_relaxed);
    batch.waiting.assign(targets);
    batches_.publish(batch);
    targets.for_each([&](CpuId cpu) { ring(cpu); });
    return false;
}

// Who uses the space is served by the batch and gets no mark, which would cost it a second flush, of everything.
CpuSet CpuSpaces::mark_or_find_users(SpaceSlot slot, const CpuSet& candidates) {
    CpuSet users, others;
    candidates.for_each([&](CpuId cpu) { (shared_.on(cpu).uses(slot) ? users : others).add(cpu); });
    others.for_each([&](CpuId cpu) { shared_.on(cpu).mark_stale(slot); });  // F2
    std::atomic_thread_fence(std::memory_order_seq_cst);  // F3; pairs with U2 in load_root() and begin_visit()
    others.for_each([&](CpuId cpu) {
        if (shared_.on(cpu).uses(slot)) users.add(cpu);  // F4
    });
    return users;
}

void CpuSpaces::keep(FlushBatch& batch) {
    batch.done.pending.store(true, std::memory_order_relaxed);
    batches_.publish(batch);
}

// The set says who rang; the bell itself is one node, posted by whoever finds it unposted.
void CpuSpaces::ring(CpuId cpu) {
    CpuSpaces& target = shared_.on(cpu);
    target.rung_by_.add(id_);
    // pairs with the exchange in serve(): if we find the bell posted, serve() has yet to empty the set
    if (target.bell_posted_.exchange(true, std::memory_order_seq_cst)) return;
    target.bell_.kind = Mail::Space;
    post_now(cpu, target.bell_);
}

// From the mailbox: the bell is ours again before the set is emptied, so that none who rings later is missed.
void CpuSpaces::answer_bell() {
    bell_posted_.exchange(false, std::memory_order_seq_cst);  // pairs with ring()
    serve();
}

void CpuSpaces::serve() {
    rung_by_.take().for_each([&](CpuId source) {
        shared_.on(source).batches_.for_each_waiting(id_, [&](FlushBatch& batch) {
            do_share(batch);
            acknowledge(batch);
        });
    });
}

void CpuSpaces::do_share(const FlushBatch& batch) {
    RootSlot& root = roots_[batch.slot.raw()];
    if (root.table.raw() == 0 || root.fixed) return;
    if (batch.kind == FlushKind::Destroy) return drop_root(batch.slot, root);
    if (batch.kind == FlushKind::Unlink) {
        UpperTables tables{root.table, stock_};
        if (batch.count == FlushRequest::kFlushAll) {
            tables.unlink({VirtualAddress{0}, VirtualAddress{kUserTop}});
        } else {
            for (uint32_t i = 0; i < batch.count; ++i) tables.unlink(batch.ranges[i]);
        }
    }
    if (!has_loaded(batch.slot)) return flush_later(batch.slot);
    if (batch.flush_all()) {
        root.stale.exchange(false, std::memory_order_acq_rel);  // pairs with mark_stale(), as in flush_marked()
        return flush_later(batch.slot);
    }
    // A mark stays: it may be for other pages, set by a CPU that is about to find us elsewhere and to post nothing.
    for (uint32_t i = 0; i < batch.count; ++i)
        for (VirtualAddress at = batch.ranges[i].start; at < batch.ranges[i].end; at = at + kPageSize)
            machine::flush_page(at);
}

void CpuSpaces::acknowledge(FlushBatch& batch) {
    const CpuId requester = batch.requester;
    batch.waiting.remove(id_);
    // pairs with itself: the last one has everybody's share before it; and with BatchPool::allocate()
    if (batch.remaining.fetch_sub(1, std::memory_order_acq_rel) == 1) send_to_worker(requester, batch.done);
}

}  // namespace shoal::kernel::space
