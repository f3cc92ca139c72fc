// What may be done to the pages of a leaf. Everything here needs the leaf's lock, and keeps runs, table, counts and frames'
// owners in step.
#pragma once

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/leaf/leaf.hpp"

namespace shoal::vm {

// Maps a frame that the caller owns at a page that is not resident; the leaf owns it from now on. Needs a reserved Run.
// The quota has been charged.
[[gnu::always_inline]] inline void map_page(WorkerContext& context, Leaf& leaf, unsigned page, FrameNumber frame, Access access) {
    context.frames().info(frame).claim(FrameKind::Anonymous, &leaf);
    leaf.runs.add(context.slabs(), leaf.table(), page, {Ownership::Exclusive, access}, frame);
    leaf.table().set(page, PageEntry{frame, access});
    ++leaf.resident;
}

// Gives a resident page the access that its region allows. Only where that adds rights: nothing is flushed.
void upgrade_page(WorkerContext& context, Leaf& leaf, unsigned page, Access access);

// Which pages a removal takes.
enum class Taking : uint8_t {
    All,
    Private,  // those of this leaf alone: shared memory keeps its contents
};

// Unmaps the resident pages of the span into the batch. Returns how many there were. Needs reserved Runs.
unsigned unmap_pages(WorkerContext& context, Leaf& leaf, PageSpan span, Taking taking, FlushBatch& batch);

// Whether the span may be unmapped without a batch: it is all resident, in one run that nobody else maps, and only the worker's CPU
// can have it cached.
[[nodiscard, gnu::always_inline]] inline bool may_unmap_at_once(const WorkerContext& context, const Leaf& leaf, PageSpan span) {
    const Run* run = leaf.runs.over(span);
    if (run == nullptr || run->state().ownership != Ownership::Exclusive) [[unlikely]] return false;
    if (leaf.dead || leaf.flushing > 0) [[unlikely]] return false;
    return leaf.cpus.is_only(context.cpu());
}
// Does so. The frames are free at once, so the worker's CPU flushes the space before anything but VM runs on it. Needs reserved
// Runs. The quota is the caller's to refund.
[[gnu::always_inline]] inline void unmap_at_once(WorkerContext& context, Leaf& leaf, PageSpan span) {
    FrameCache& frames = context.frames();
    PageTable& table = leaf.table();
    leaf.runs.vacate(context.slabs(), table, span);
    for (unsigned page = span.first; page < span.end; ++page) {
        const FrameNumber frame = table.get(page).frame();
        table.set(page, PageEntry{});
        frames.release_exclusive(frame);
    }
    leaf.resident = static_cast<uint16_t>(leaf.resident - span.size());
}

// Sets the access of the resident pages of the span; those that lose a right are flushed by the batch.
void protect_pages(WorkerContext& context, Leaf& leaf, PageSpan span, Access access, FlushBatch& batch);

// Changes nothing; if a flush of the leaf is under way, the batch flushes the span too, so that its end comes after.
void settle_pages(Leaf& leaf, PageSpan span, FlushBatch& batch);

// Maps a resident page of one leaf at an absent page of another too; both are locked. Needs a reserved Run for each and two
// reserved Sharers. The quota of the second space has been charged.
void share_page(WorkerContext& context, Leaf& from, unsigned from_page, Leaf& to, unsigned to_page, Access access);

// The space ends, nobody runs in it: gives back all pages and the table. Returns the pages that the quota was charged for.
uint64_t empty_leaf(WorkerContext& context, Leaf& leaf);

}  // namespace shoal::vm
