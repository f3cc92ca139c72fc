#include "servers/vm/audit/parts.hpp"
#include "servers/vm/flush/flush_batch.hpp"

namespace shoal::vm {

namespace {

// The frame's list names this mapping. Who is first on it enters the frame, and all mappings.
void audit_shared(FrameNumber frame, const FrameInfo& info, const Leaf& leaf, unsigned page, Ledger& ledger) {
    bool listed = false;
    uint32_t length = 0;
    const auto* first = static_cast<const Sharer*>(info.sharers());
    for (const Sharer* at = first; at != nullptr; at = at->next, ++length)
        listed = listed || (at->leaf == &leaf && at->page == page);
    if (!listed) ledger.report.fault("a shared page is not on its frame's list", leaf.address_of(page).raw(), length);
    // A batch under way keeps a reference after the mapping has gone.
    if (length > info.references())
        ledger.report.fault("a frame has more sharers than references", length, info.references());
    if (first == nullptr || first->leaf != &leaf || first->page != page) return;
    ledger.enter_frame(frame, FrameKind::Anonymous, "a mapped frame is not a page");
    ledger.enter_objects(SlabType::Sharer, length);
    ledger.enter_references(length);
}

void audit_page(FrameTable frames, const Leaf& leaf, unsigned page, PageState state, Ledger& ledger) {
    const PageEntry entry = leaf.table().get(page);
    const uint64_t address = leaf.address_of(page).raw();
    if (!entry.held()) return ledger.report.fault("a run's page is not in the table", address, 0);
    if (!(entry == PageEntry{entry.frame(), state.access}))
        ledger.report.fault("entry and run disagree", address, entry.raw());
    if (!frames.covers(entry.frame()))
        return ledger.report.fault("an entry names no frame of ours", address, entry.raw());
    const FrameInfo& info = frames[entry.frame()];
    if (state.ownership == Ownership::Shared) return audit_shared(entry.frame(), info, leaf, page, ledger);
    ledger.enter_frame(entry.frame(), FrameKind::Anonymous, "a mapped frame is not a page");
    if (info.owner() != &leaf || info.references() != 1)
        ledger.report.fault("an exclusive frame has another owner", address, entry.frame().raw());
}

// Regions that are going may still have pages, but none may lie outside any.
void audit_place(Space& space, const Leaf& leaf, const Run& run, Ledger& ledger) {
    Segment* segment = space.find_segment(leaf.address_of(run.first()));
    const VirtualRange pages{leaf.address_of(run.first()), leaf.address_of(run.end())};
    if (segment == nullptr || !segment->covered(pages.intersect(segment->range())))
        ledger.report.fault("resident pages outside any region", pages.start.raw(), pages.end.raw());
}

// A grant allows what the region does. Where regions are being changed, leaves that are yet to be visited have theirs still.
void audit_grant(Space& space, const Leaf& leaf, Ledger& ledger) {
    const Grant grant = leaf.granted();
    if (grant.empty()) return;
    Segment* segment = space.find_segment(leaf.range().start);
    const VirtualRange pages{leaf.address_of(grant.span().first), leaf.address_of(grant.span().end)};
    const RegionView view = segment == nullptr ? RegionView{Lookup::Absent, 0, {}, {}} : segment->view_locked(pages.start);
    const bool changing = view.outcome == Lookup::Found && view.attributes.work != RegionWork::None &&
                          view.attributes.work != RegionWork::Vacant;
    if (changing || (view.outcome == Lookup::Found && view.range.contains(pages) && view.attributes.access == grant.access())) return;
    ledger.report.fault("a leaf grants what no region allows", pages.start.raw(), pages.end.raw());
}

}  // namespace

void audit_leaf(WorkerContext& context, Space& space, Leaf& leaf, Ledger& ledger) {
    const FrameTable frames = context.frame_table();
    const uint64_t base = leaf.range().start.raw();
    unsigned resident = 0, held = 0;
    if (!leaf.runs.sound()) ledger.report.fault("a tree of runs is not sound", base, 0);
    leaf.runs.for_each([&](const Run& run) {
        resident += run.span().size();
        if (RunTree::sum_frames(leaf.table(), run.span()) != run.frame_sum())
            ledger.report.fault("a run's frames are not those of the table", base, run.first());
        audit_place(space, leaf, run, ledger);
        for (unsigned page = run.first(); page < run.end(); ++page) audit_page(frames, leaf, page, run.state(), ledger);
    });
    ledger.enter_objects(SlabType::Run, leaf.runs.size());
    for (unsigned page = 0; page < kPagesPerLeaf; ++page)
        if (leaf.table().get(page).raw() != 0) ++held;
    audit_grant(space, leaf, ledger);
    if (held != resident) ledger.report.fault("the table holds pages that no run has", base, held);
    if (resident != leaf.resident) ledger.report.fault("a leaf's count is wrong", base, leaf.resident);
    const FrameInfo& table = frames[leaf.table_frame()];
    if (table.owner() != &space || table.references() != 1)
        ledger.report.fault("a leaf's table has another owner", base, leaf.table_frame().raw());
    if (leaf.dead && (leaf.flushing == 0 || resident > 0)) ledger.report.fault("a dead leaf can be found", base, 0);
}

}  // namespace shoal::vm
