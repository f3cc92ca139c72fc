#include "servers/vm/flush/flush_batch.hpp"

#include <utility>

#include "servers/vm/platform/platform.hpp"
#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

void FlushBatch::add_frame(FrameTable table, FrameNumber frame) {
    FrameInfo& info = table[frame];
    info.set_next(frames_);
    frames_ = &info;
}

namespace {

// Apart, so that the compiler keeps all of it in registers: what a page of an unmapping after a fork costs.
[[gnu::noinline]] void drop_pages(WorkerContext& context, PageTable& table, PageSpan pages) {
    const FrameTable frames = context.frame_table();
    for (unsigned page = pages.first; page < pages.end; ++page) {
        const FrameNumber frame = table.get(page).frame();
        table.set(page, PageEntry{});
        if (frames[frame].release() == Released::Last) context.frames().free(frame);
    }
}

}  // namespace

// Our own CPU runs nothing but VM before it is flushed.
void FlushBatch::take_shared(WorkerContext& context, Leaf& leaf, PageSpan pages) {
    PageTable& table = leaf.table();
    if (alone_in(leaf)) {
        drop_pages(context, table, pages);
        return;
    }
    uint16_t& first = leaving_[hold(leaf)];
    for (unsigned page = pages.first; page < pages.end; ++page) {
        table.set(page, PageEntry::leaving(table.get(page).frame(), first));
        first = static_cast<uint16_t>(page);
    }
}

void FlushBatch::take_borrowed(WorkerContext& context, Leaf& leaf, PageSpan pages) {
    PageTable& table = leaf.table();
    const bool alone = alone_in(leaf);
    for (unsigned page = pages.first; page < pages.end; ++page) {
        if (alone) table.set(page, PageEntry{});
        else context.frame_table()[table.get(page).frame()].share_lent();
    }
    if (!alone) take_shared(context, leaf, pages);
}

void FlushBatch::take_replaced(WorkerContext& context, const Leaf& leaf, FrameNumber frame) {
    if (alone_in(leaf)) return drop_reference(context, frame);
    SHOAL_ASSERT(replaced_count_ < kMaxReplaced);
    replaced_[replaced_count_++] = &context.frame_table()[frame];
}

void FlushBatch::take_replaced_loan(WorkerContext& context, const Leaf& leaf, FrameNumber frame) {
    if (alone_in(leaf)) return;
    context.frame_table()[frame].share_lent();
    take_replaced(context, leaf, frame);
}

void FlushBatch::drop_reference(WorkerContext& context, FrameNumber frame) {
    if (context.frame_table()[frame].release() == Released::Last) context.frames().free(frame);
}

void FlushBatch::add_to_message(VirtualRange range) {
    if (message_.count == FlushRequest::kFlushAll) return;
    if (message_.count > 0 && message_.ranges[message_.count - 1].end == range.start) {
        message_.ranges[message_.count - 1].end = range.end;
    } else if (message_.count == FlushRequest::kMaxRanges) {
        message_.count = FlushRequest::kFlushAll;
    } else {
        message_.ranges[message_.count++] = range;
    }
}

void FlushBatch::add_range(Leaf& leaf, VirtualRange range) {
    if (leaf.cpus.empty()) return;
    add_to_message(range);
    message_.cpus |= leaf.cpus;
    if (!alone_in(leaf)) (void)hold(leaf);
}

// Our own CPU is flushed when the batch is posted, before it runs anything but VM; the others later. Meanwhile no CPU may see a new
// frame in this leaf while another one still sees the old. Returns the leaf's place in the batch.
uint32_t FlushBatch::hold(Leaf& leaf) {
    local_ = false;
    if (leaf_count_ > 0 && leaves_[leaf_count_ - 1] == &leaf) return leaf_count_ - 1;
    SHOAL_ASSERT(leaf_count_ < kMaxLeaves);
    leaves_[leaf_count_] = &leaf;
    leaving_[leaf_count_] = PageEntry::kNoPage;
    ++leaf.flushing;
    return leaf_count_++;
}

void FlushBatch::add_dead_leaf(Leaf& leaf) {
    add_to_message(leaf.range());
    message_.cpus |= leaf.cpus;
    unlinks_ = true;
    (void)hold(leaf);
}

void FlushBatch::release_frames(WorkerContext& context) {
    const FrameTable table = context.frame_table();
    context.frames().release_chain(std::exchange(frames_, nullptr));
    for_each_replaced([&](const FrameInfo& info) { drop_reference(context, table.number(info)); });
}

// Under the leaf's lock.
void FlushBatch::release_leaving(WorkerContext& context, Leaf& leaf, unsigned page) {
    while (page != PageEntry::kNoPage) {
        const PageEntry entry = leaf.table().get(page);
        SHOAL_ASSERT(entry.is_leaving());
        leaf.table().set(page, PageEntry{});
        drop_reference(context, entry.frame());
        page = entry.next_leaving();
    }
}

// Under the leaf's lock. False: its space is ending, and takes the leaf with it. One that is being swapped waits for the leaf.
bool FlushBatch::retire_dead(WorkerContext& context, Leaf& leaf) {
    Space* space = context.find_in_step(message_.process);
    if (space == nullptr) {
        leaf.dead = false;
        return false;
    }
    space->leaves.remove(leaf);
    return true;
}

void FlushBatch::release_leaves(WorkerContext& context) {
    for (uint32_t i = 0; i < leaf_count_; ++i) {
        Leaf& leaf = *leaves_[i];
        Request* freed = nullptr;
        bool retired = false;
        {
            Guard guard(context.locks(), leaf.lock);
            SHOAL_ASSERT(leaf.flushing > 0);
            release_leaving(context, leaf, leaving_[i]);
            if (--leaf.flushing == 0) {
                freed = leaf.waiting;
                leaf.waiting = nullptr;
                // By whichever batch is the last: one that met the leaf while its table was being unlinked holds it, too.
                retired = leaf.dead && retire_dead(context, leaf);
            }
        }
        release_all(context, freed);
        if (!retired) continue;
        context.worker.reclaimer.retire(leaf.retire_hook, deleter_of(Retired::Leaf));
        ++context.desk.graces;
    }
}

void FlushBatch::discard(WorkerContext& context, FlushBatch& batch) {
    batch.release_frames(context);
    context.slabs().destroy(&batch);
}

bool FlushBatch::try_post(WorkerContext& context, FlushBatch& batch) {
    batch.message_.cookie = reinterpret_cast<uint64_t>(&batch);
    if (batch.message_.cpus.empty()) {
        complete(context, batch);
        return true;
    }
    const Result<platform::Posted> posted =
        batch.unlinks_ ? platform::unlink(batch.message_) : platform::flush(batch.message_);
    if (!posted.ok() && posted.error() == Error::Again) return false;
    // NoProcess: the kernel has no such space any more, so nothing of it is cached.
    if (!posted.ok() || posted.value() == platform::Posted::Done) {
        complete(context, batch);
        return true;
    }
    batch.next_ = context.desk.posted;
    batch.previous_ = nullptr;
    if (batch.next_ != nullptr) batch.next_->previous_ = &batch;
    context.desk.posted = &batch;
    return true;
}

FlushBatch::Outcome FlushBatch::post(WorkerContext& context, FlushBatch& batch, Request* request) {
    if (batch.local_) {
        const Outcome outcome = batch.empty() ? Outcome::Finished : Outcome::FinishedLocally;
        if (!batch.empty()) context.worker.statistics.flushes_local.add();
        discard(context, batch);
        return outcome;
    }
    SHOAL_ASSERT(request != nullptr);
    if (!batch.unlinks_) context.worker.statistics.flushes_remote.add();
    batch.request_ = request;
    ++request->flushes;
    if (!try_post(context, batch)) {
        batch.next_ = context.desk.unposted;
        context.desk.unposted = &batch;
    }
    return Outcome::Pending;
}

// One that is done at once does not send the request on while the other is not posted yet.
bool FlushBatch::post_both(WorkerContext& context, FlushBatch& one, FlushBatch& other, Request& request) {
    ++request.flushes;
    for (FlushBatch* batch : {&one, &other}) {
        batch->insist();
        (void)post(context, *batch, &request);
    }
    return --request.flushes > 0;
}

void FlushBatch::post_refused(WorkerContext& context) {
    FlushBatch* refused = context.desk.unposted;
    context.desk.unposted = nullptr;
    while (refused != nullptr) {
        FlushBatch* next = refused->next_;
        if (!try_post(context, *refused)) {
            refused->next_ = context.desk.unposted;
            context.desk.unposted = refused;
        }
        refused = next;
    }
}

void FlushBatch::complete(WorkerContext& context, FlushBatch& batch) {
    batch.release_leaves(context);
    batch.release_frames(context);
    Request* request = batch.request_;
    context.slabs().destroy(&batch);
    if (--request->flushes == 0) context.desk.push(*request);
}

void FlushBatch::done(WorkerContext& context, FlushBatch& batch) {
    if (batch.previous_ != nullptr) batch.previous_->next_ = batch.next_;
    else context.desk.posted = batch.next_;
    if (batch.next_ != nullptr) batch.next_->previous_ = batch.previous_;
    complete(context, batch);
}

}  // namespace shoal::vm
