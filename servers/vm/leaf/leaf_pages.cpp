#include "servers/vm/leaf/leaf_pages.hpp"

namespace shoal::vm {

namespace {

using BlockGuard = Guard<VmRank::Block>;

void list_sharer(WorkerContext& context, Leaf& leaf, unsigned page, FrameNumber frame) {
    FrameInfo& info = context.frame_table()[frame];
    Sharer* sharer = context.slabs().create_reserved<Sharer>(frame, leaf, page);
    BlockGuard guard(context.locks(), info.lock());
    sharer->next = static_cast<Sharer*>(info.sharers());
    info.set_sharers(sharer);
}

// Takes the mapping off the frame's list; its reference stays until the batch drops it.
Sharer& unlist_sharer(WorkerContext& context, const Leaf& leaf, unsigned page, FrameNumber frame) {
    FrameInfo& info = context.frame_table()[frame];
    BlockGuard guard(context.locks(), info.lock());
    Sharer* before = nullptr;
    auto* sharer = static_cast<Sharer*>(info.sharers());
    while (sharer != nullptr && (sharer->leaf != &leaf || sharer->page != page)) {
        before = sharer;
        sharer = sharer->next;
    }
    SHOAL_CHECK(sharer != nullptr);
    if (before == nullptr) info.set_sharers(sharer->next);
    else before->next = sharer->next;
    return *sharer;
}

void hand_over(WorkerContext& context, Leaf& leaf, PageSpan part, Ownership ownership, FlushBatch& batch) {
    const PageTable& table = leaf.table();
    for (unsigned page = part.first; page < part.end; ++page) {
        const FrameNumber frame = table.get(page).frame();
        if (ownership == Ownership::Exclusive) batch.add_frame(context.frame_table(), frame);
        else batch.add_sharer(unlist_sharer(context, leaf, page, frame));
    }
}

VirtualRange addresses(const Leaf& leaf, PageSpan span) {
    return {leaf.address_of(span.first), leaf.address_of(span.end)};
}

void unmap_part(WorkerContext& context, Leaf& leaf, PageSpan part, Ownership ownership, FlushBatch& batch) {
    hand_over(context, leaf, part, ownership, batch);
    leaf.runs.remove(context.slabs(), leaf.table(), part);
    for (unsigned page = part.first; page < part.end; ++page) leaf.table().set(page, PageEntry{});
    leaf.resident = static_cast<uint16_t>(leaf.resident - part.size());
}

}  // namespace

void upgrade_page(WorkerContext& context, Leaf& leaf, unsigned page, Access access) {
    const PageState state{leaf.runs.find(page)->state().ownership, access};
    leaf.runs.restate(context.slabs(), leaf.table(), {page, page + 1}, state);
    leaf.table().set(page, PageEntry{leaf.table().get(page).frame(), access});
}

namespace {

// Another change of these pages may not have reached all CPUs yet. Who comes later must not answer before it has: it flushes
// the span once more.
void flush_changed(Leaf& leaf, PageSpan span, PageSpan touched, FlushBatch& batch) {
    if (leaf.flushing > 0) touched = span;
    if (!touched.empty()) batch.add_range(leaf, addresses(leaf, touched));
}

}  // namespace

unsigned unmap_pages(WorkerContext& context, Leaf& leaf, PageSpan span, Taking taking, FlushBatch& batch) {
    unsigned taken = 0;
    PageSpan touched{span.end, span.first};
    // Part by part: a removal changes the tree that the walk is in.
    for (unsigned at = span.first; at < span.end;) {
        const Run* run = leaf.runs.first_reaching(at);
        if (run == nullptr || run->first() >= span.end) break;
        const PageSpan part = run->span().intersect({at, span.end});
        const Ownership ownership = run->state().ownership;
        at = part.end;
        if (taking == Taking::Private && ownership == Ownership::Shared) continue;
        unmap_part(context, leaf, part, ownership, batch);
        taken += part.size();
        touched = {touched.first < part.first ? touched.first : part.first, part.end};
    }
    flush_changed(leaf, span, touched, batch);
    return taken;
}

void protect_pages(WorkerContext& context, Leaf& leaf, PageSpan span, Access access, FlushBatch& batch) {
    PageSpan touched{span.end, span.first};
    PageTable& table = leaf.table();
    for (unsigned at = span.first; at < span.end;) {
        const Run* run = leaf.runs.first_reaching(at);
        if (run == nullptr || run->first() >= span.end) break;
        const PageSpan part = run->span().intersect({at, span.end});
        const PageState before = run->state();
        at = part.end;
        if (before.access == access) continue;
        leaf.runs.restate(context.slabs(), table, part, {before.ownership, access});
        for (unsigned page = part.first; page < part.end; ++page)
            table.set(page, PageEntry{table.get(page).frame(), access});
        if (!access.allows(before.access)) touched = {touched.first < part.first ? touched.first : part.first, part.end};
    }
    flush_changed(leaf, span, touched, batch);
}

void settle_pages(Leaf& leaf, PageSpan span, FlushBatch& batch) { flush_changed(leaf, span, {span.end, span.first}, batch); }

void share_page(WorkerContext& context, Leaf& from, unsigned from_page, Leaf& to, unsigned to_page, Access access) {
    const FrameNumber frame = from.table().get(from_page).frame();
    const PageState state = from.runs.find(from_page)->state();
    if (state.ownership == Ownership::Exclusive) {
        from.runs.restate(context.slabs(), from.table(), {from_page, from_page + 1}, {Ownership::Shared, state.access});
        context.frame_table()[frame].set_owner(nullptr);
        list_sharer(context, from, from_page, frame);
    }
    context.frame_table()[frame].share();
    list_sharer(context, to, to_page, frame);
    to.runs.add(context.slabs(), to.table(), to_page, {Ownership::Shared, access}, frame);
    to.table().set(to_page, PageEntry{frame, access});
    ++to.resident;
}

uint64_t empty_leaf(WorkerContext& context, Leaf& leaf) {
    const FrameTable table = context.frame_table();
    const uint64_t charged = leaf.resident + (leaf.charged ? uint64_t{1} : 0);
    leaf.runs.for_each([&](const Run& run) {
        for (unsigned page = run.first(); page < run.end(); ++page) {
            const FrameNumber frame = leaf.table().get(page).frame();
            if (run.state().ownership == Ownership::Shared)
                context.slabs().destroy(&unlist_sharer(context, leaf, page, frame));
            if (table[frame].release() == Released::Last) context.frames().free(frame);
        }
    });
    leaf.runs.clear(context.slabs());
    leaf.resident = 0;
    if (table[leaf.table_frame()].release() == Released::Last) context.frames().free(leaf.table_frame());
    return charged;
}

}  // namespace shoal::vm
