// Joint pages: frames that leaves of two processes hold, at whatever places in them, as map_memory has it. They are counted like shared
// ones (Ownership::Joint); what is joint is no copy on write, and the other way round.
//
// (a) Before a page that is copied on write becomes joint, its leaf gets a copy of its own: who has the others keeps the old contents.
// (b) Of a joint page nobody gets a copy on write, but a copy at once.
// (c) So does a fork's copy; both partners go on (leaf/copy_on_write.hpp).
// (d) Parting, a leaf first stops writing the frame, on all CPUs, and then has it copied; who wants to write between has it at once.
// Every function needs the locks of the leaves that it is given.
#pragma once

#include "abi/grant.hpp"
#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/leaf/leaf.hpp"

namespace shoal::vm {

// What has to be allowed to who lends it.
constexpr Access needed_for(MapMode mode) { return mode == MapMode::SharedWritable ? Access::read_write() : Access::read(); }

// The beginning of a span that is to be mapped elsewhere, and the way it gets there.
struct JointPart {
    static constexpr unsigned kMostPages = FlushBatch::kMaxReplaced, kMostCopies = 8;
    enum class Way : uint8_t {
        Share,
        Copy,
        Touch,        // its page is absent, or without that right: first have it touched
        MakePrivate,  // others have copies on write of it: (a)
        Refuse,       // a device's, or an object's
    };
    Way way;
    PageSpan span;
};
// May restate what is joint with nobody any more. Needs two reserved Runs.
JointPart first_joint_part(WorkerContext& context, Leaf& from, PageSpan span, MapMode mode);

// Where it goes: pages of one region, which allows so much, from one on.
struct JointPlace {
    Leaf& leaf;
    PageSpan region;
    unsigned first;
    Access allowed;
    [[nodiscard]] PageSpan span(unsigned pages) const { return {first, first + pages}; }
};
// Pages of the place that nobody pays for yet.
unsigned count_absent(const Leaf& leaf, PageSpan span);

// Puts a part in the place of what the place's leaf holds there. What other CPUs may have cached of that goes with a batch, and meanwhile the new
// pages are held without any access: Hidden, and to be opened after the flush. Neither leaf is being flushed. Needs reserved: a RunTree, six Runs,
// for copies a frame each. The quota has been charged for what was absent.
enum class Seen : uint8_t { AtOnce, Hidden };
Seen share_part(WorkerContext& context, Leaf& from, PageSpan part, MapMode mode, const JointPlace& place, FlushBatch& from_batch, FlushBatch& batch);
Seen copy_part(WorkerContext& context, const Leaf& from, PageSpan part, const JointPlace& place, FlushBatch& batch);
// Gives pages that are hidden what their region allows; the leaf is not being flushed. As far as six reserved Runs do: faults bring the rest, one
// each.
void open_part(WorkerContext& context, const JointPlace& place, unsigned pages);

// Makes joint pages of a span parting, or the leaf's own, if nobody else has them. Returns where it ended, after so many parts that six reserved
// Runs do.
unsigned part_pages(WorkerContext& context, Leaf& leaf, PageSpan span, FlushBatch& batch);
// Gives the leaf copies of parting pages, which no CPU writes any more; the leaf is not being flushed. Returns where it ended: behind the first of
// them, at most JointPart::kMostPages. Needs reserved: a frame a page, two RunTrees, four Runs.
unsigned copy_parting(WorkerContext& context, Leaf& leaf, PageSpan span, FlushBatch& batch);

}  // namespace shoal::vm
