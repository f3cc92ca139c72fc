#include "servers/vm/fault/touch_page.hpp"

namespace shoal::vm {

namespace {

// Under the segment's lock: nothing can disturb us.
Touched touch_locked(WorkerContext& context, Space& space, Attempt& attempt, Segment& segment, VirtualAddress address,
                     Access needed, const Receipt* waiter) {
    Segment::Guard guard(context.locks(), segment.lock);
    for (;;) {
        if (!reserve_for_touch(context).ok()) return {Touch::NoMemory};
        const RegionView view = segment.view_locked(address);
        const Touch verdict = judge(view, address, needed);
        if (verdict != Touch::Raced) return {verdict};
        if (view.attributes.work == RegionWork::Changing) {
            if (waiter != nullptr) park(context, *waiter, segment.waiting);
            return {Touch::Parked};
        }
        // Raced now means only that the page or the leaf went before we had the leaf's lock.
        const Touched touched = attempt.serve(space.leaves.find(address), &segment, view);
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

// A server's fault, from the stock of frames.
Touched touch_from_stock(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Toucher toucher,
                         const Receipt* waiter) {
    context.frames().open_stock();
    const Touched touched = touch_page_again(context, space, address, needed, toucher, waiter);
    context.frames().close_stock();
    return touched;
}

}  // namespace

Leaf* obtain_leaf(WorkerContext& context, Space& space, VirtualAddress address) {
    Leaf* leaf = space.leaves.find(address);
    return leaf != nullptr ? leaf : make_leaf(context, space, address);
}

[[gnu::cold]] Touched touch_page_again(WorkerContext& context, Space& space, VirtualAddress address, Access needed,
                                       Toucher toucher, const Receipt* waiter) {
    Segment* segment = space.find_segment(address);
    if (segment == nullptr) return {Touch::NoRegion};
    if (!reserve_for_touch(context).ok()) return {Touch::NoMemory};
    Attempt attempt(context, space, address, needed, toucher, waiter);
    const RegionView view = segment->lookup(address);
    if (view.outcome != Lookup::Disturbed) {
        const Touch verdict = judge(view, address, needed);
        if (verdict != Touch::Raced) return {verdict};
        if (view.attributes.work != RegionWork::Changing) {
            const Touched touched = attempt.serve(space.leaves.find(address), segment, view);
            if (touched.outcome != Touch::Raced) return touched;
        }
    }
    return touch_locked(context, space, attempt, *segment, address, needed, waiter);
}

[[gnu::cold]] Touched touch_page_without_reserve(WorkerContext& context, Space& space, VirtualAddress address, Access needed,
                                                 Toucher toucher, const Receipt* waiter) {
    if (space.find_segment(address) == nullptr) return {Touch::NoRegion};
    const Touched resident = touch_resident(context, space, address, needed, toucher);
    if (resident.usable() || space.standing == Standing::Program) return resident;
    return touch_from_stock(context, space, address, needed, toucher, waiter);
}

}  // namespace shoal::vm
