#include "servers/vm/fault/touch_page.hpp"

#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/fault/judge.hpp"
#include "servers/vm/fault/touch_granted.hpp"
#include "servers/vm/files/file_read.hpp"

namespace shoal::vm {

Touch Attempt::read() const {
    const ObjectPlace place = missing_->place_of(address_);
    return read_page(context_, *missing_, place.page, waiter_);
}

Touched Attempt::serve_in_detached(Leaf& leaf) {
    const unsigned page = page_in_leaf(address_);
    PageSupply supply(context_, space_, address_, {}, needed_);  // a leaf's own regions are of plain memory
    if (!leaf.table().get(page).held() && !obtain(supply)) return {Touch::NoMemory};
    Guard guard(context_.locks(), leaf.lock);
    const Segment* own = leaf.own_regions();
    if (own == nullptr) return {Touch::Raced};
    const RegionView view = own->view_locked(address_);
    const Touch verdict = judge(view, address_, needed_);
    if (verdict != Touch::Raced) return {verdict};
    grant(leaf, view.range, view.attributes);
    supply.attributes = view.attributes;
    return finish(leaf, complete(leaf, leaf.pages_of(view.range), page, supply));
}

namespace {

// Raced: it is not in a detached leaf.
Touched touch_detached(Attempt& attempt, Space& space, VirtualAddress address) {
    Leaf* leaf = space.leaves.find(address);
    if (leaf == nullptr || !leaf->detached()) [[likely]] return {Touch::Raced};
    return attempt.serve_detached(*leaf);
}

// Under the segment's lock: nothing can disturb us.
Touched touch_locked(WorkerContext& context, Attempt& attempt, Space& space, Segment& segment, VirtualAddress address, Access needed,
                     Waiter waiter) {
    Segment::Guard guard(context.locks(), segment.lock);
    for (;;) {
        if (!reserve_for_touch(context).ok()) return {Touch::NoMemory};
        const Touched detached = touch_detached(attempt, space, address);
        if (detached.outcome != Touch::Raced) return detached;
        const RegionView view = segment.view_locked(address);
        const Touch verdict = judge(view, address, needed);
        if (verdict != Touch::Raced) return {verdict};
        if (view.attributes.closed()) {
            waiter.park(context, segment.waiting);
            return {Touch::Parked};
        }
        // Raced now means only that the page or the leaf went before we had the leaf's lock.
        const Touched touched = attempt.serve(segment, view);
        if (touched.outcome != Touch::Raced) return touched;
    }
}

Leaf* make_leaf(WorkerContext& context, Space& space, VirtualAddress address) {
    if (!space.quota.charge(context.locks(), context.slabs(), PageCount{1}).ok()) return nullptr;
    const FrameNumber table = context.frames().allocate_reserved();
    zero_frame(table);
    context.frame_table()[table].claim(FrameKind::PageTable, &space);
    Leaf* mine = context.slabs().create_reserved<Leaf>(space.order(), address.leaf_down(), table);
    Leaf* there = space.leaves.insert(context.slabs(), *mine);
    if (there == mine) {
        context.processes.shard(context.cpu()).tables_made.add();
        return mine;
    }
    empty_leaf(context, *mine);
    context.slabs().destroy(mine);
    space.quota.refund(context.locks(), PageCount{1});
    return there;
}

// Where there is no memory for anything: what is resident already needs none.
Touched touch_resident(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Toucher toucher) {
    Leaf* leaf = space.leaves.find(address);
    if (leaf == nullptr) return {Touch::NoMemory};
    Guard guard(context.locks(), leaf->lock);
    const PageEntry entry = leaf->table().get(page_in_leaf(address));
    if (leaf->dead || !entry.held() || !entry.access().allows(needed)) return {Touch::NoMemory};
    ++leaf->faults;
    return {Touch::Spurious, leaf, note_cpu(context, *leaf, toucher)};
}

// A lookup that was overtaken is made once more; then nobody overtakes us.
Touched touch_in(WorkerContext& context, Attempt& attempt, Space& space, Segment& segment, VirtualAddress address, Access needed, Waiter waiter) {
    for (unsigned tries = 0; tries < 2; ++tries) {
        if (!reserve_for_touch(context).ok()) return {Touch::NoMemory};
        const Touched detached = touch_detached(attempt, space, address);
        if (detached.outcome != Touch::Raced) [[unlikely]] return detached;
        const RegionView view = segment.lookup(address);
        if (view.outcome == Lookup::Disturbed) continue;
        const Touch verdict = judge(view, address, needed);
        if (verdict != Touch::Raced) return {verdict};
        if (view.attributes.closed()) break;
        const Touched touched = attempt.serve(segment, view);
        if (touched.outcome != Touch::Raced) return touched;
    }
    return touch_locked(context, attempt, space, segment, address, needed, waiter);
}

Touched touch_reserving(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Toucher toucher, Waiter waiter) {
    Segment* segment = space.find_segment(address);
    if (segment == nullptr) return {Touch::NoRegion};
    Attempt attempt(context, space, address, needed, toucher, waiter);
    for (;;) {
        const Touched touched = touch_in(context, attempt, space, *segment, address, needed, waiter);
        if (touched.outcome != Touch::Absent) [[likely]] return touched;
        const Touch read = attempt.read();  // no lock is held
        if (read != Touch::Raced) return {read};
    }
}

// A server's fault, from the stock of frames.
Touched touch_from_stock(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Toucher toucher,
                         Waiter waiter) {
    context.frames().open_stock();
    const Touched touched = touch_reserving(context, space, address, needed, toucher, waiter);
    context.frames().close_stock();
    return touched;
}

// With nothing reserved: what is resident is used; servers may take from the stock of frames.
[[gnu::cold]] Touched touch_without_reserve(WorkerContext& context, Space& space, VirtualAddress address, Access needed,
                                            Toucher toucher, Waiter waiter) {
    if (space.find_segment(address) == nullptr) return {Touch::NoRegion};
    const Touched resident = touch_resident(context, space, address, needed, toucher);
    if (resident.usable() || space.standing == Standing::Program) return resident;
    return touch_from_stock(context, space, address, needed, toucher, waiter);
}

}  // namespace

Leaf* obtain_leaf(WorkerContext& context, Space& space, VirtualAddress address) {
    Leaf* leaf = space.leaves.find(address);
    return leaf != nullptr ? leaf : make_leaf(context, space, address);
}

Touched touch_page(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Toucher toucher, Waiter waiter) {
    if (!address.in_user_space()) return {Touch::NoRegion};
    // First: where a fault came to nothing for want of frames at hand, the grant serves it now.
    if (!reserve_for_touch(context).ok()) [[unlikely]]
        return touch_without_reserve(context, space, address, needed, toucher, waiter);
    const Touched touched = touch_granted(context, space, address, needed, toucher);
    if (touched.outcome != Touch::Raced) return touched;
    return touch_reserving(context, space, address, needed, toucher, waiter);
}

}  // namespace shoal::vm
