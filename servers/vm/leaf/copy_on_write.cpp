#include "servers/vm/leaf/copy_on_write.hpp"

#include "servers/vm/arena/window.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"

namespace shoal::vm {

namespace {

// Pages of one run.
struct Part {
    PageSpan span;
    const Run* run;
    [[nodiscard]] PageState state() const { return run->state(); }
    [[nodiscard]] uint64_t sum_frames(const PageTable& table) const {
        return span == run->span() ? run->frame_sum() : RunTree::sum_frames(table, span);
    }
};

// Calls visit(Part) for those in the span, ascending; it may change the part's state.
template <typename Visit>
void for_each_part(const Leaf& leaf, PageSpan span, Visit visit) {
    for (unsigned at = span.first; at < span.end;) {
        const Run* run = leaf.trees.first_reaching(at);
        if (run == nullptr || run->first() >= span.end) return;
        const PageSpan part = run->span().intersect({at, span.end});
        at = part.end;
        visit(Part{part, run});
    }
}

// Others go on writing the frame, or a device does.
bool is_copied_at_once(Ownership ownership) { return ownership == Ownership::Pinned || is_joint(ownership); }

// The frames of an exclusive part are anybody's from here on, and nobody's to write.
void give_up_writing(WorkerContext& context, Leaf& leaf, PageSpan part, PageState after) {
    const FrameTable frames = context.frame_table();
    PageTable& table = leaf.table();
    leaf.trees.restate(context.slabs(), table, part, after);
    for (unsigned page = part.first; page < part.end; ++page) {
        const FrameNumber frame = table.get(page).frame();
        table.set(page, PageEntry{frame, after});
        frames[frame].set_owner(nullptr);
    }
}

// Apart, so that the compiler keeps all of it in registers: what a page of a fork costs.
[[gnu::noinline]] void share_entries(FrameTable frames, const PageTable& source, PageTable& table, PageSpan span) {
    for (unsigned page = span.first; page < span.end; ++page) {
        const PageEntry entry = source.get(page);
        frames[entry.frame()].share();
        table.set(page, entry);
    }
}

void copy_entries(const PageTable& source, PageTable& table, PageSpan span) {
    for (unsigned page = span.first; page < span.end; ++page) table.set(page, source.get(page));
}

// The entries are what they are to be in both.
void add_part(WorkerContext& context, const PageTable& source, Leaf& to, PageSpan region, PageSpan span, PageState state, uint64_t frame_sum) {
    PageTable& table = to.table();
    if (!to.trees.add_all(context.slabs(), table, region, span, state, frame_sum))
        for (unsigned page = span.first; page < span.end; ++page)
            to.trees.add(context.slabs(), table, region, page, state, source.get(page).frame());
    if (state.ownership == Ownership::Device) copy_entries(source, table, span);
    else share_entries(context.frame_table(), source, table, span);
    to.resident = static_cast<uint16_t>(to.resident + span.size());
}

}  // namespace

void copy_pages(WorkerContext& context, Leaf& from, Leaf& to, PageSpan region, PageSpan span, FlushBatch& batch) {
    bool lost = from.flushing > 0;  // the copy is to be there after that flush too
    for_each_part(from, span, [&](const Part& part) {
        PageState state = part.state();
        if (is_borrowed(state.ownership)) return;  // the copy borrows for itself
        const uint64_t frame_sum = part.sum_frames(from.table());
        SHOAL_ASSERT(!is_copied_at_once(state.ownership));
        if (state.ownership == Ownership::Exclusive) {
            lost = lost || state.access.writes();
            state = PageState::in_region(Ownership::CopyOnWrite, state.access);
            give_up_writing(context, from, part.span, state);
        }
        add_part(context, from.table(), to, region, part.span, state, frame_sum);
    });
    if (lost) batch.add_range(from, {from.address_of(span.first), from.address_of(span.end)});
}

Piece first_piece(const Leaf& leaf, PageSpan span, unsigned parts) {
    Piece piece{span};
    unsigned seen = 0;
    for_each_part(leaf, span, [&](const Part& part) {
        if (part.span.first >= piece.span.end) return;
        const Ownership ownership = part.state().ownership;
        if (is_borrowed(ownership)) return;
        const bool at_once = is_copied_at_once(ownership);
        if (seen == parts || (at_once && seen > 0) || piece.at_once) {
            piece.span.end = part.span.first;
            return;
        }
        unsigned pages = part.span.size();
        if (at_once) {
            piece.at_once = true;
            pages = pages < Piece::kCopiedPerPiece ? pages : Piece::kCopiedPerPiece;
            piece.span.end = part.span.first + pages;
        }
        piece.pages += pages;
        if (is_charged(ownership)) piece.charged += pages;
        ++seen;
    });
    return piece;
}

void copy_at_once(WorkerContext& context, Leaf& from, Leaf& to, PageSpan region, PageSpan span) {
    for_each_part(from, span, [&](const Part& part) {
        for (unsigned page = part.span.first; page < part.span.end; ++page) {
            const FrameNumber copy = context.frames().allocate_reserved();
            __builtin_memcpy(window_pointer(copy), window_pointer(from.table().get(page).frame()), kPageSize);
            map_page(context, to, region, page, copy, part.state().access);
        }
    });
}

bool end_joint(WorkerContext& context, Leaf& leaf, PageSpan span) {
    const FrameTable frames = context.frame_table();
    const PageTable& table = leaf.table();
    bool alone = true;
    for_each_part(leaf, span, [&](const Part& part) {
        alone = alone && is_joint(part.state().ownership);
        for (unsigned page = part.span.first; page < part.span.end && alone; ++page) {
            const FrameInfo& info = frames[table.get(page).frame()];
            alone = info.exclusive() && info.kind() == FrameKind::Anonymous;
        }
    });
    if (!alone) return false;
    for_each_part(leaf, span, [&](const Part& part) {
        leaf.trees.restate(context.slabs(), table, part.span, {Ownership::Exclusive, part.state().access});
        for (unsigned page = part.span.first; page < part.span.end; ++page) frames[table.get(page).frame()].set_owner(&leaf);
    });
    return true;
}

bool take_over(WorkerContext& context, Leaf& leaf, unsigned page, Access access) {
    PageTable& table = leaf.table();
    const FrameNumber frame = table.get(page).frame();
    FrameInfo& info = context.frame_table()[frame];
    // Only who holds it could give it to another, and that is this leaf alone; but what was an object's others may have borrowed.
    if (!info.exclusive() || info.kind() != FrameKind::Anonymous) return false;
    info.set_owner(&leaf);
    leaf.trees.restate(context.slabs(), table, {page, page + 1}, {Ownership::Exclusive, access});
    table.set(page, PageEntry{frame, access});
    return true;
}

void replace_by_copy(WorkerContext& context, Leaf& leaf, PageSpan region, unsigned page, FrameNumber copy, Access access, FlushBatch& batch) {
    PageTable& table = leaf.table();
    const FrameNumber old = table.get(page).frame();
    const bool lent = is_borrowed(leaf.trees.find(page)->state().ownership);
    context.frames().info(copy).claim(FrameKind::Anonymous, &leaf);
    __builtin_memcpy(window_pointer(copy), window_pointer(old), kPageSize);
    leaf.trees.remove(context.slabs(), table, {page, page + 1});
    table.set(page, PageEntry{});
    leaf.trees.add(context.slabs(), table, region, page, {Ownership::Exclusive, access}, copy);
    table.set(page, PageEntry{copy, access});
    if (lent) batch.take_replaced_loan(context, leaf, old);
    else batch.take_replaced(context, leaf, old);
    batch.add_range(leaf, VirtualRange::of(leaf.address_of(page), kPageSize));
}

}  // namespace shoal::vm
