// Copy on write: pages that several leaves hold in one frame, each as if it were alone with it.
//
// (a) Nobody writes such a frame: no entry for it is writable, and when copy_pages() has taken the right to write from an entry, whoever
//     goes on counts on it only after the flush. Until then the leaf is `flushing`, and breaks nothing.
// (b) Who wants to write, breaks: he gets a frame of his own with the same contents, or this one if nobody else has it any more. The
//     others notice nothing.
// (c) The old frame lives until no CPU can have the old entry cached (FlushBatch), and the new one is not to be written before.
// A frame is copied on write in all leaves that hold it, or shared in all, but for those that are parting.
// Every function needs the locks of the leaves that it is given.
#pragma once

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/leaf/leaf.hpp"

namespace shoal::vm {

// The beginning of a span, and what a copy of it has to do: at most so many parts in equal state, which copy_pages() takes, or pages that are
// copied at once, because others go on writing them, at most kCopiedPerPiece, for copy_at_once().
struct Piece {
    static constexpr unsigned kCopiedPerPiece = 8;
    PageSpan span;
    unsigned pages = 0;    // resident
    unsigned charged = 0;  // those that the quota pays for
    bool at_once = false;
};
Piece first_piece(const Leaf& leaf, PageSpan span, unsigned parts);
// Gives absent pages of `to` what the same pages of `from` hold: what is shared or a device's, likewise; what is borrowed, nothing; else a copy
// on write. region: the pages of their
// region in `to`. Needs reserved: a RunTree, a Run a part, and two more. The quota of the second space has been charged.
void copy_pages(WorkerContext& context, Leaf& from, Leaf& to, PageSpan region, PageSpan span, FlushBatch& batch);

// Gives absent pages of `to` copies of the pages of a span that are pinned or joint: what others write meanwhile may be in them or not. Needs
// reserved: a frame a page, a RunTree and two Runs. The quota of the second space has been charged.
void copy_at_once(WorkerContext& context, Leaf& from, Leaf& to, PageSpan region, PageSpan span);

// Makes the joint pages of a span the leaf's own, if nobody else holds any of them any more. Whether it has. Needs two reserved Runs.
bool end_joint(WorkerContext& context, Leaf& leaf, PageSpan span);

// Makes a page that is copied on write, or joint, the leaf's own, with the access, if nobody else holds it any more. Needs two reserved Runs.
bool take_over(WorkerContext& context, Leaf& leaf, unsigned page, Access access);
// Puts a copy of it into a frame, and that in its place; the batch has the old frame. Of a page that is copied on write, parting, or lent so. region: the
// pages of its region here. Needs a reserved RunTree and two Runs.
void replace_by_copy(WorkerContext& context, Leaf& leaf, PageSpan region, unsigned page, FrameNumber copy, Access access, FlushBatch& batch);

}  // namespace shoal::vm
