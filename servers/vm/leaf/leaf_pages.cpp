#include "servers/vm/leaf/leaf_pages.hpp"

namespace shoal::vm {

namespace {

VirtualRange addresses(const Leaf& leaf, PageSpan span) {
    return {leaf.address_of(span.first), leaf.address_of(span.end)};
}

void clear_entries(PageTable& table, PageSpan part) {
    for (unsigned page = part.first; page < part.end; ++page) table.set(page, PageEntry{});
}

void take_exclusive(FrameTable frames, PageTable& table, PageSpan part, FlushBatch& batch) {
    for (unsigned page = part.first; page < part.end; ++page) {
        batch.add_frame(frames, table.get(page).frame());
        table.set(page, PageEntry{});
    }
}

void unmap_part(WorkerContext& context, Leaf& leaf, PageSpan part, Ownership ownership, FlushBatch& batch) {
    leaf.trees.remove(context.slabs(), leaf.table(), part);
    if (is_exclusive(ownership)) take_exclusive(context.frame_table(), leaf.table(), part, batch);
    else if (ownership == Ownership::Device) clear_entries(leaf.table(), part);
    else if (is_borrowed(ownership)) batch.take_borrowed(context, leaf, part);
    else batch.take_shared(context, leaf, part);
    leaf.resident = static_cast<uint16_t>(leaf.resident - part.size());
}

uint64_t sum_of_neighbours(FrameNumber first, unsigned count) {
    return first.raw() * count + uint64_t{count} * (count - 1) / 2;
}

}  // namespace

void map_pinned(WorkerContext& context, Leaf& leaf, PageSpan region, PageSpan span, FrameNumber first, Access access) {
    const PageState state{Ownership::Pinned, access};
    PageTable& table = leaf.table();
    const bool added = leaf.trees.add_all(context.slabs(), table, region, span, state, sum_of_neighbours(first, span.size()));
    for (unsigned page = span.first; page < span.end; ++page) {
        const FrameNumber frame = first + (page - span.first);
        context.frame_table()[frame].claim(FrameKind::Anonymous, &leaf);
        if (!added) leaf.trees.add(context.slabs(), table, region, page, state, frame);
        table.set(page, PageEntry{frame, state});
    }
    leaf.resident = static_cast<uint16_t>(leaf.resident + span.size());
}

void map_unowned(WorkerContext& context, Leaf& leaf, PageSpan region, unsigned page, FrameNumber frame, PageState state) {
    leaf.trees.add(context.slabs(), leaf.table(), region, page, state, frame);
    leaf.table().set(page, PageEntry{frame, state});
    ++leaf.resident;
}

void hold_pages(WorkerContext& context, Leaf& leaf, PageSpan span) {
    const FrameTable frames = context.frame_table();
    for (unsigned at = span.first; at < span.end;) {
        const Run* run = leaf.trees.first_reaching(at);
        const PageSpan part = run->span().intersect({at, span.end});
        const PageState state = run->state();
        SHOAL_ASSERT(state.ownership == Ownership::Pinned || state.ownership == Ownership::Shared);
        at = part.end;
        const bool pinned = state.ownership == Ownership::Pinned;
        if (pinned) leaf.trees.restate(context.slabs(), leaf.table(), part, {Ownership::Shared, state.access});
        for (unsigned page = part.first; page < part.end; ++page) {
            FrameInfo& info = frames[leaf.table().get(page).frame()];
            if (pinned) info.set_owner(nullptr);
            info.share();
        }
    }
}

void upgrade_page(WorkerContext& context, Leaf& leaf, unsigned page, Access access) {
    const PageState state = PageState::in_region(leaf.trees.find(page)->state().ownership, access);
    leaf.trees.restate(context.slabs(), leaf.table(), {page, page + 1}, state);
    leaf.table().set(page, PageEntry{leaf.table().get(page).frame(), state});
}

namespace {

// Another change of these pages may not have reached all CPUs yet. Who comes later must not answer before it has: it flushes
// the span once more.
void flush_changed(Leaf& leaf, PageSpan span, PageSpan touched, FlushBatch& batch) {
    if (leaf.flushing > 0) touched = span;
    if (!touched.empty()) batch.add_range(leaf, addresses(leaf, touched));
}

// Whether pages of one ownership are to read as zeros when their process gives them back. What is joint with nobody any more is.
bool is_private(const WorkerContext& context, const Leaf& leaf, PageSpan part, Ownership ownership) {
    if (!is_joint(ownership)) return ownership == Ownership::Exclusive || ownership == Ownership::CopyOnWrite;
    for (unsigned page = part.first; page < part.end; ++page)
        if (!context.frame_table()[leaf.table().get(page).frame()].exclusive()) return false;
    return true;
}

}  // namespace

unsigned unmap_pages(WorkerContext& context, Leaf& leaf, PageSpan span, Taking taking, FlushBatch& batch) {
    unsigned taken = 0;
    PageSpan touched{span.end, span.first};
    // Part by part: a removal changes the tree that the walk is in.
    for (unsigned at = span.first; at < span.end;) {
        const Run* run = leaf.trees.first_reaching(at);
        if (run == nullptr || run->first() >= span.end) break;
        const PageSpan part = run->span().intersect({at, span.end});
        const Ownership ownership = run->state().ownership;
        at = part.end;
        if (taking == Taking::Private && !is_private(context, leaf, part, ownership)) continue;
        if (taking == Taking::Borrowed && !is_borrowed(ownership)) continue;
        unmap_part(context, leaf, part, ownership, batch);
        if (is_charged(ownership)) taken += part.size();
        touched = {touched.first < part.first ? touched.first : part.first, part.end};
    }
    if (taking == Taking::All) leaf.trees.cut(context.slabs(), span);
    flush_changed(leaf, span, touched, batch);
    return taken;
}

namespace {

void set_entries(PageTable& table, PageSpan span, PageState state) {
    for (unsigned page = span.first; page < span.end; ++page) table.set(page, PageEntry{table.get(page).frame(), state});
}

// While a CPU may still use a page that was here before, no page gains a right: a fault brings it, after the flush.
PageState state_in(const Leaf& leaf, PageState before, Access allowed) {
    return PageState::in_region(before.ownership, leaf.flushing > 0 ? allowed.common(before.access) : allowed);
}

}  // namespace

PageSpan set_access(WorkerContext& context, Leaf& leaf, PageSpan span, Access access) {
    PageSpan lost{span.end, span.first};
    PageTable& table = leaf.table();
    if (Run* run = leaf.trees.whole(span)) {
        const PageState before = run->state(), after = state_in(leaf, before, access);
        RunTree::restate_only(*run, after);
        set_entries(table, span, after);
        return after.access.allows(before.access) ? lost : span;
    }
    leaf.trees.isolate(context.slabs(), table, span);
    for (unsigned at = span.first; at < span.end;) {
        const Run* run = leaf.trees.first_reaching(at);
        if (run == nullptr || run->first() >= span.end) break;
        const PageSpan part = run->span().intersect({at, span.end});
        const PageState before = run->state(), after = state_in(leaf, before, access);
        at = part.end;
        if (after == before) continue;
        leaf.trees.restate(context.slabs(), table, part, after);
        set_entries(table, part, after);
        if (!after.access.allows(before.access)) lost = {lost.first < part.first ? lost.first : part.first, part.end};
    }
    return lost;
}

void protect_pages(WorkerContext& context, Leaf& leaf, PageSpan span, Access access, FlushBatch& batch) {
    flush_changed(leaf, span, set_access(context, leaf, span, access), batch);
}

void settle_pages(Leaf& leaf, PageSpan span, FlushBatch& batch) { flush_changed(leaf, span, {span.end, span.first}, batch); }

void share_page(WorkerContext& context, Leaf& from, Leaf& to, PageSpan to_region, unsigned page, Access access) {
    const FrameNumber frame = from.table().get(page).frame();
    const PageState state = from.trees.find(page)->state();
    SHOAL_ASSERT(state.ownership != Ownership::CopyOnWrite && state.ownership != Ownership::Device &&
                 state.ownership != Ownership::BorrowedReadOnly);
    if (is_exclusive(state.ownership)) {
        from.trees.restate(context.slabs(), from.table(), {page, page + 1}, {Ownership::Shared, state.access});
        context.frame_table()[frame].set_owner(nullptr);
    }
    if (is_borrowed(state.ownership)) context.frame_table()[frame].share_lent();
    else context.frame_table()[frame].share();
    to.trees.add(context.slabs(), to.table(), to_region, page, {Ownership::Shared, access}, frame);
    to.table().set(page, PageEntry{frame, access});
    ++to.resident;
}

namespace {

// Apart, so that the compiler keeps all of it in registers: what a page of an exit costs.
[[gnu::noinline]] void release_all(WorkerContext& context, const PageTable& table, PageSpan span) {
    const FrameTable frames = context.frame_table();
    for (unsigned page = span.first; page < span.end; ++page) {
        const FrameNumber frame = table.get(page).frame();
        if (frames[frame].release() == Released::Last) context.frames().free(frame);
    }
}

}  // namespace

uint64_t empty_leaf(WorkerContext& context, Leaf& leaf) {
    const FrameTable table = context.frame_table();
    uint64_t charged = leaf.charged ? 1 : 0;
    leaf.trees.for_each([&](const Run& run) {
        if (!is_charged(run.state().ownership)) return;
        charged += run.span().size();
        release_all(context, leaf.table(), run.span());
    });
    leaf.trees.clear(context.slabs());
    leaf.resident = 0;
    if (table[leaf.table_frame()].release() == Released::Last) context.frames().free(leaf.table_frame());
    return charged;
}

}  // namespace shoal::vm
