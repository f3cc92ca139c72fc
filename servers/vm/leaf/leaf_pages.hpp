// What may be done to the pages of a leaf. Everything here needs the leaf's lock, and keeps runs, table, counts and frames'
// owners in step.
#pragma once

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/leaf/leaf.hpp"

namespace shoal::vm {

// Maps a frame that the caller owns at a page that is not resident; the leaf owns it from now on. Needs a reserved Run.
// The quota has been charged.
[[gnu::always_inline]] inline void map_page(WorkerContext& context, Leaf& leaf, unsigned page, FrameNumber frame, Access access) {
    context.frame_table()[frame].claim(FrameKind::Anonymous, &leaf);
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
