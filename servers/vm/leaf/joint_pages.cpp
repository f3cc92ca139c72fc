#include "servers/vm/leaf/joint_pages.hpp"

#include "servers/vm/arena/window.hpp"
#include "servers/vm/leaf/copy_on_write.hpp"

namespace shoal::vm {

namespace {

JointPart::Way way_of(Ownership ownership, MapMode mode) {
    using Way = JointPart::Way;
    const bool copied_on_write = mode == MapMode::CopyOnWrite;
    switch (ownership) {
        case Ownership::Exclusive: return Way::Share;
        case Ownership::CopyOnWrite: return copied_on_write ? Way::Share : Way::MakePrivate;
        case Ownership::Parting: return copied_on_write ? Way::Copy : Way::MakePrivate;
        case Ownership::Shared:
        case Ownership::Joint:
        case Ownership::JointReadOnly: return copied_on_write ? Way::Copy : Way::Share;
        case Ownership::Pinned:
        case Ownership::Device:
        case Ownership::Borrowed:
        case Ownership::BorrowedReadOnly:
        case Ownership::BorrowedCopyOnWrite: break;
    }
    return Way::Refuse;
}

PageSpan first_pages(PageSpan span, unsigned most) { return span.size() > most ? PageSpan{span.first, span.first + most} : span; }

}  // namespace

JointPart first_joint_part(WorkerContext& context, Leaf& from, PageSpan span, MapMode mode) {
    const Run* run = from.trees.find(span.first);
    if (run == nullptr || !run->state().access.allows(needed_for(mode))) return {JointPart::Way::Touch, first_pages(span, 1)};
    const PageSpan part = first_pages(run->span().intersect(span), JointPart::kMostPages);
    const JointPart::Way way = way_of(run->state().ownership, mode);
    if (way != JointPart::Way::Copy) return {way, part};
    const PageSpan copied = first_pages(part, JointPart::kMostCopies);
    return {end_joint(context, from, copied) ? JointPart::Way::Share : way, copied};
}

unsigned count_absent(const Leaf& leaf, PageSpan span) {
    unsigned absent = 0;
    for (unsigned page = span.first; page < span.end; ++page) absent += leaf.table().get(page).held() ? 0u : 1u;
    return absent;
}

namespace {

bool is_alone_in(const WorkerContext& context, const Leaf& leaf) { return leaf.cpus.empty() || leaf.cpus.is_only(context.cpu()); }

// Out of trees and table. Whether there was anything.
bool take_out(WorkerContext& context, Leaf& leaf, PageSpan span, FlushBatch& batch) {
    PageTable& table = leaf.table();
    bool any = false;
    for (unsigned at = span.first; at < span.end;) {
        const Run* run = leaf.trees.first_reaching(at);
        if (run == nullptr || run->first() >= span.end) break;
        const PageSpan part = run->span().intersect({at, span.end});
        const Ownership ownership = run->state().ownership;
        SHOAL_ASSERT(is_charged(ownership));  // of anonymous memory
        at = part.end;
        leaf.trees.remove(context.slabs(), table, part);
        for (unsigned page = part.first; page < part.end; ++page) {
            const FrameNumber frame = table.get(page).frame();
            table.set(page, PageEntry{});
            if (is_exclusive(ownership)) batch.add_frame(context.frame_table(), frame);
            else batch.take_replaced(context, leaf, frame);
        }
        leaf.resident = static_cast<uint16_t>(leaf.resident - part.size());
        any = true;
    }
    return any;
}

// Puts frames into the place, frame_at(i) being the i-th.
template <typename FrameAt>
Seen put(WorkerContext& context, const JointPlace& place, unsigned pages, Ownership ownership, FlushBatch& batch, FrameAt frame_at) {
    Leaf& leaf = place.leaf;
    PageTable& table = leaf.table();
    const PageSpan span = place.span(pages);
    const bool replaced = take_out(context, leaf, span, batch);
    const bool hidden = replaced && !is_alone_in(context, leaf);
    const PageState state = PageState::in_region(ownership, hidden ? Access::none() : place.allowed);
    uint64_t frame_sum = 0;
    for (unsigned i = 0; i < pages; ++i) frame_sum += frame_at(i).raw();
    const bool added = leaf.trees.add_all(context.slabs(), table, place.region, span, state, frame_sum);
    for (unsigned i = 0; i < pages; ++i) {
        if (!added) leaf.trees.add(context.slabs(), table, place.region, span.first + i, state, frame_at(i));
        table.set(span.first + i, PageEntry{frame_at(i), state});
    }
    leaf.resident = static_cast<uint16_t>(leaf.resident + pages);
    if (replaced) batch.add_range(leaf, {leaf.address_of(span.first), leaf.address_of(span.end)});
    return hidden ? Seen::Hidden : Seen::AtOnce;
}

// What a page is in the leaf that it comes from, once another has it, too.
PageState state_of_shared(PageState before, MapMode mode) {
    if (before.ownership != Ownership::Exclusive) return before;
    return PageState::in_region(mode == MapMode::CopyOnWrite ? Ownership::CopyOnWrite : Ownership::Joint, before.access);
}

Ownership ownership_of_mapped(MapMode mode) {
    switch (mode) {
        case MapMode::CopyOnWrite: return Ownership::CopyOnWrite;
        case MapMode::SharedReadOnly: return Ownership::JointReadOnly;
        case MapMode::SharedWritable: break;
    }
    return Ownership::Joint;
}

void set_entries_to(PageTable& table, PageSpan span, PageState state) {
    for (unsigned page = span.first; page < span.end; ++page) table.set(page, PageEntry{table.get(page).frame(), state});
}

}  // namespace

Seen share_part(WorkerContext& context, Leaf& from, PageSpan part, MapMode mode, const JointPlace& place, FlushBatch& from_batch, FlushBatch& batch) {
    const FrameTable frames = context.frame_table();
    PageTable& table = from.table();
    const PageState before = from.trees.find(part.first)->state(), after = state_of_shared(before, mode);
    if (!(after == before)) {
        from.trees.restate(context.slabs(), table, part, after);
        set_entries_to(table, part, after);
        if (!after.access.allows(before.access)) from_batch.add_range(from, {from.address_of(part.first), from.address_of(part.end)});
    }
    for (unsigned page = part.first; page < part.end; ++page) {
        FrameInfo& info = frames[table.get(page).frame()];
        if (before.ownership == Ownership::Exclusive) info.set_owner(nullptr);
        info.share();
    }
    return put(context, place, part.size(), ownership_of_mapped(mode), batch, [&](unsigned i) { return table.get(part.first + i).frame(); });
}

Seen copy_part(WorkerContext& context, const Leaf& from, PageSpan part, const JointPlace& place, FlushBatch& batch) {
    FrameNumber copies[JointPart::kMostCopies];
    for (unsigned i = 0; i < part.size(); ++i) {
        copies[i] = context.frames().allocate_reserved();
        context.frames().info(copies[i]).claim(FrameKind::Anonymous, &place.leaf);
        __builtin_memcpy(window_pointer(copies[i]), window_pointer(from.table().get(part.first + i).frame()), kPageSize);
    }
    return put(context, place, part.size(), Ownership::Exclusive, batch, [&](unsigned i) { return copies[i]; });
}

void open_part(WorkerContext& context, const JointPlace& place, unsigned pages) {
    constexpr unsigned kParts = 3;
    Leaf& leaf = place.leaf;
    const PageSpan span = place.span(pages).intersect(place.region);
    unsigned at = span.first;
    for (unsigned opened = 0; opened < kParts && at < span.end;) {
        const Run* run = leaf.trees.first_reaching(at);
        if (run == nullptr || run->first() >= span.end) return;
        const PageSpan part = run->span().intersect({at, span.end});
        const PageState before = run->state();
        at = part.end;
        if (!before.access.is_none()) continue;
        const PageState after = PageState::in_region(before.ownership, place.allowed);
        leaf.trees.restate(context.slabs(), leaf.table(), part, after);
        set_entries_to(leaf.table(), part, after);
        ++opened;
    }
}

unsigned part_pages(WorkerContext& context, Leaf& leaf, PageSpan span, FlushBatch& batch) {
    constexpr unsigned kParts = 3;
    unsigned at = span.first;
    for (unsigned seen = 0; seen < kParts && at < span.end;) {
        const Run* run = leaf.trees.first_reaching(at);
        if (run == nullptr || run->first() >= span.end) return span.end;
        const PageSpan part = run->span().intersect({at, span.end});
        const PageState before = run->state();
        at = part.end;
        if (!is_joint(before.ownership)) continue;
        ++seen;
        if (end_joint(context, leaf, part)) continue;
        const PageState after = PageState::in_region(Ownership::Parting, before.access);
        leaf.trees.restate(context.slabs(), leaf.table(), part, after);
        set_entries_to(leaf.table(), part, after);
        if (!after.access.allows(before.access)) batch.add_range(leaf, {leaf.address_of(part.first), leaf.address_of(part.end)});
    }
    return at;
}

unsigned copy_parting(WorkerContext& context, Leaf& leaf, PageSpan span, FlushBatch& batch) {
    for (unsigned at = span.first; at < span.end;) {
        const Run* run = leaf.trees.first_reaching(at);
        if (run == nullptr || run->first() >= span.end) return span.end;
        const PageState state = run->state();
        PageSpan part = run->span().intersect({at, span.end});
        at = part.end;
        if (state.ownership != Ownership::Parting) continue;
        part = first_pages(part, JointPart::kMostPages);
        const PageSpan region = leaf.trees.span_over(part.first);
        for (unsigned page = part.first; page < part.end; ++page)
            if (!take_over(context, leaf, page, state.access))
                replace_by_copy(context, leaf, region, page, context.frames().allocate_reserved(), state.access, batch);
        return part.end;
    }
    return span.end;
}

}  // namespace shoal::vm
