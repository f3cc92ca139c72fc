// What may be done to the pages of a leaf. Everything here needs the leaf's lock, and keeps runs, table, counts and frames'
// owners in step.
#pragma once

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/leaf/leaf.hpp"

namespace shoal::vm {

// Maps a frame that the caller owns at a page that is not resident; the leaf owns it from now on. region: the pages of its region
// here. Needs a reserved RunTree and Run. The quota has been charged.
[[gnu::always_inline]] inline void map_page(WorkerContext& context, Leaf& leaf, PageSpan region, unsigned page, FrameNumber frame,
                                            Access access) {
    context.frames().info(frame).claim(FrameKind::Anonymous, &leaf);
    leaf.trees.add(context.slabs(), leaf.table(), region, page, {Ownership::Exclusive, access}, frame);
    leaf.table().set(page, PageEntry{frame, access});
    ++leaf.resident;
}

// Likewise frames that are neighbours, at a span of pages; they stay where they are.
void map_pinned(WorkerContext& context, Leaf& leaf, PageSpan region, PageSpan span, FrameNumber first, Access access);
// Maps a frame that the leaf does not own: a device's, an object's; or one that the caller gives it a reference to, as the state says. Needs a reserved
// RunTree and Run.
void map_unowned(WorkerContext& context, Leaf& leaf, PageSpan region, unsigned page, FrameNumber frame, PageState state);

// Pinned pages of a span are shared from now on, with whoever calls: he has a reference to each frame of the span. Needs four reserved Runs.
void hold_pages(WorkerContext& context, Leaf& leaf, PageSpan span);

// Gives a resident page the access that its region allows. Only where that adds rights: nothing is flushed.
void upgrade_page(WorkerContext& context, Leaf& leaf, unsigned page, Access access);

// Which pages a removal takes.
enum class Taking : uint8_t {
    All,      // and the span is no longer of the regions that it was of
    Private,  // those of this leaf alone that may go: what is shared, or a device knows, keeps its contents
    Borrowed,  // those that go back to the object whose they are
};

// Unmaps the resident pages of the span into the batch. Returns how many of them the quota has paid for. Needs reserved RunTrees and Runs.
unsigned unmap_pages(WorkerContext& context, Leaf& leaf, PageSpan span, Taking taking, FlushBatch& batch);

// Whether the span may be unmapped without a batch: it is all that a region has here, resident in one run that nobody else maps, and only
// the worker's CPU can have it cached.
[[nodiscard, gnu::always_inline]] inline bool may_unmap_at_once(const WorkerContext& context, const Leaf& leaf, PageSpan span) {
    const Run* run = leaf.trees.whole(span);
    if (run == nullptr || run->state().ownership != Ownership::Exclusive) [[unlikely]] return false;
    if (leaf.dead || leaf.flushing > 0) [[unlikely]] return false;
    return leaf.cpus.is_only(context.cpu());
}
// The frames of a span that no tree has any more, and nobody else.
[[gnu::always_inline]] inline void free_entries(WorkerContext& context, Leaf& leaf, PageSpan span) {
    FrameCache& frames = context.frames();
    PageTable& table = leaf.table();
    for (unsigned page = span.first; page < span.end; ++page) {
        const FrameNumber frame = table.get(page).frame();
        table.set(page, PageEntry{});
        frames.release_exclusive(frame);
    }
    leaf.resident = static_cast<uint16_t>(leaf.resident - span.size());
}
// Does so. The frames are free at once, so the worker's CPU flushes the space before anything but VM runs on it. The
// quota is the caller's to refund.
[[gnu::always_inline]] inline void unmap_at_once(WorkerContext& context, Leaf& leaf, PageSpan span) {
    leaf.trees.vacate(context.slabs(), leaf.table(), span);
    free_entries(context, leaf, span);
}
// As unmap_at_once(), of the end of a run at the end of a region, which ends before it now.
inline void drop_at_once(WorkerContext& context, Leaf& leaf, PageSpan span) {
    leaf.trees.remove(context.slabs(), leaf.table(), span);
    leaf.trees.cut(context.slabs(), span);
    free_entries(context, leaf, span);
}

// Sets the access of the resident pages of the span, which is of other regions than what lies beside it, but gives no right while the leaf is being
// flushed: faults bring it then. Those that lose a right are flushed by the batch. Needs reserved RunTrees and Runs.
void protect_pages(WorkerContext& context, Leaf& leaf, PageSpan span, Access access, FlushBatch& batch);
// The same without a batch: returns the span that has lost a right, or an empty one.
PageSpan set_access(WorkerContext& context, Leaf& leaf, PageSpan span, Access access);

// Changes nothing; if a flush of the leaf is under way, the batch flushes the span too, so that its end comes after.
void settle_pages(Leaf& leaf, PageSpan span, FlushBatch& batch);

// Maps a resident page of one leaf, none that is copied on write, a device's or borrowed only to be read, at the same, absent, page of another too; both are locked. to_region: the
// pages of the second one's region. Needs reserved Runs for each and a RunTree. The quota of the second space has been charged.
void share_page(WorkerContext& context, Leaf& from, Leaf& to, PageSpan to_region, unsigned page, Access access);

// The space ends, nobody runs in it: gives back all pages and the table. Returns the pages that the quota was charged for.
uint64_t empty_leaf(WorkerContext& context, Leaf& leaf);

}  // namespace shoal::vm
