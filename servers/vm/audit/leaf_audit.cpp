#include "servers/vm/audit/parts.hpp"
#include "servers/vm/cache/cached_page.hpp"
#include "servers/vm/flush/flush_batch.hpp"

namespace shoal::vm {

namespace {

// What a page is held against.
struct Audited {
    FrameTable frames;
    Space& space;
    const PageIndex& index;
};

// What says which of the leaf's pages are mapped; nullptr: nothing.
Segment* regions_of(Space& space, const Leaf& leaf) {
    return leaf.detached() ? leaf.own_regions() : space.find_segment(leaf.range().start);
}

// On its way out of all leaves that have borrowed it, and not here yet.
bool is_withdrawn(const FrameInfo& info, const ObjectPlace& place) {
    if (info.kind() == FrameKind::Withdrawn) return true;
    const auto* cached = info.kind() == FrameKind::Cached ? static_cast<const CachedPage*>(info.owner()) : nullptr;
    return cached != nullptr && (cached->file != &place.object || cached->file_page != place.page);
}

// A borrowed page is the one that its region's object has there. Where regions are being changed, leaves that are yet to be visited may have theirs
// still.
void audit_borrowed(const Audited& audited, const Leaf& leaf, unsigned page, Ledger& ledger) {
    const VirtualAddress address = leaf.address_of(page);
    const FrameNumber frame = leaf.table().get(page).frame();
    const Segment* segment = regions_of(audited.space, leaf);
    const RegionView view = segment == nullptr ? RegionView{Lookup::Absent, 0, {}, {}} : segment->view_locked(address);
    if (view.outcome != Lookup::Found) return;  // audit_place()
    const Attachment* attachment = view.attributes.attachment();
    if (attachment == nullptr) {
        if (view.attributes.work == RegionWork::None) ledger.report.fault("a borrowed page is of no object", address.raw(), frame.raw());
        return;
    }
    const ObjectPlace place = attachment->place_of(address);
    const PageBlock* block = audited.index.find(place.object, PageBlock::block_of(place.page));
    const ObjectPage there = block == nullptr ? ObjectPage{} : block->get(PageBlock::place_of(place.page));
    if (!(there == ObjectPage{frame}) && !is_withdrawn(audited.frames[frame], place)) ledger.report.fault("a borrowed page is not the object's", address.raw(), frame.raw());
}

void audit_page(const Audited& audited, const Leaf& leaf, unsigned page, PageState state, Ledger& ledger) {
    const FrameTable frames = audited.frames;
    const PageEntry entry = leaf.table().get(page);
    const uint64_t address = leaf.address_of(page).raw();
    if (!entry.held()) return ledger.report.fault("a run's page is not in the table", address, 0);
    if (!(entry == PageEntry{entry.frame(), state}))
        ledger.report.fault("entry and run disagree", address, entry.raw());
    if (state.ownership == Ownership::Device) {
        if (frames.covers(entry.frame()) && frames[entry.frame()].kind() != FrameKind::Absent)
            ledger.report.fault("a device's page is memory of ours", address, entry.raw());
        return;
    }
    if (!frames.covers(entry.frame()))
        return ledger.report.fault("an entry names no frame of ours", address, entry.raw());
    const FrameInfo& info = frames[entry.frame()];
    if (is_never_written(state.ownership) && state.access.writes())
        ledger.report.fault("a page that nobody writes can be written", address, entry.raw());
    if (is_borrowed(state.ownership)) return audit_borrowed(audited, leaf, page, ledger);
    if (!is_exclusive(state.ownership)) {
        if (info.owner() != nullptr && !is_object_page(info.kind())) ledger.report.fault("a shared frame has an owner", address, entry.frame().raw());
        return ledger.enter_reference(entry.frame());
    }
    ledger.enter_frame(entry.frame(), FrameKind::Anonymous, "a mapped frame is not a page");
    if (info.owner() != &leaf || info.references() != 1)
        ledger.report.fault("an exclusive frame has another owner", address, entry.frame().raw());
}

// Regions that are going may still have pages, but none may lie outside any.
void audit_place(Space& space, const Leaf& leaf, const Run& run, Ledger& ledger) {
    Segment* segment = regions_of(space, leaf);
    const VirtualRange pages{leaf.address_of(run.first()), leaf.address_of(run.end())};
    if (segment == nullptr || !segment->covered(pages.intersect(segment->range())))
        ledger.report.fault("resident pages outside any region", pages.start.raw(), pages.end.raw());
}

// A tree with pages lies in one region. Where regions are being changed, leaves that are yet to be visited have theirs as they were.
void audit_borders(Space& space, const Leaf& leaf, const RunTree& tree, Ledger& ledger) {
    if (tree.empty()) return;
    const VirtualRange pages{leaf.address_of(tree.span().first), leaf.address_of(tree.span().end)};
    Segment* segment = regions_of(space, leaf);
    if (segment == nullptr || segment->busy(pages)) return;
    const RegionView view = segment->view_locked(pages.start);
    if (view.outcome == Lookup::Found && view.range.contains(pages)) return;
    ledger.report.fault("a tree of runs is of more than one region", pages.start.raw(), pages.end.raw());
}

// A grant allows what the region does. Where regions are being changed, leaves that are yet to be visited have theirs still.
void audit_grant(Space& space, const Leaf& leaf, Ledger& ledger) {
    const Grant grant = leaf.granted();
    if (grant.empty()) return;
    Segment* segment = regions_of(space, leaf);
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
    const Audited audited{frames, space, context.processes.page_index()};
    const uint64_t base = leaf.range().start.raw();
    unsigned resident = 0, held = 0, leaving = 0;
    if (!leaf.trees.sound()) ledger.report.fault("a tree of runs is not sound", base, 0);
    leaf.trees.for_each_tree([&](const RunTree& tree) { audit_borders(space, leaf, tree, ledger); });
    leaf.trees.for_each([&](const Run& run) {
        resident += run.span().size();
        if (RunTree::sum_frames(leaf.table(), run.span()) != run.frame_sum())
            ledger.report.fault("a run's frames are not those of the table", base, run.first());
        audit_place(space, leaf, run, ledger);
        for (unsigned page = run.first(); page < run.end(); ++page) audit_page(audited, leaf, page, run.state(), ledger);
    });
    ledger.enter_objects(SlabType::RunTree, leaf.trees.trees());
    ledger.enter_objects(SlabType::Run, leaf.trees.runs());
    for (unsigned page = 0; page < kPagesPerLeaf; ++page) {
        const PageEntry entry = leaf.table().get(page);
        if (entry.is_leaving()) ledger.enter_reference(entry.frame()), ++leaving;
        else if (entry.raw() != 0) ++held;
    }
    if (leaving > 0 && leaf.flushing == 0) ledger.report.fault("entries are leaving that nobody flushes", base, leaving);
    audit_grant(space, leaf, ledger);
    if (held != resident) ledger.report.fault("the table holds pages that no run has", base, held);
    if (resident != leaf.resident) ledger.report.fault("a leaf's count is wrong", base, leaf.resident);
    const FrameInfo& table = frames[leaf.table_frame()];
    if (table.owner() != &space || table.references() != 1)
        ledger.report.fault("a leaf's table has another owner", base, leaf.table_frame().raw());
    if (leaf.dead && (leaf.flushing == 0 || resident > 0)) ledger.report.fault("a dead leaf can be found", base, 0);
}

}  // namespace shoal::vm
