// touch_page: makes one page of a space resident and usable for an access. The heart of the page fault, and what every
// operation on VM's own behalf uses to reach user memory.
//
// Order of one attempt: make sure of all memory it may need; find the leaf; if its grant covers the access, that is all there is to
// look up. Else find segment and region without a lock; make the leaf if need be. Lock the leaf; check that the leaf lives and
// the grant stands, or the segment is unchanged; only then act. Two attempts without the segment's lock, the second by a lookup,
// the third under it. Nothing here writes a line that another CPU's fault on another leaf reads or writes; with a grant nothing
// here reads a line that is written by who maps or unmaps elsewhere.
#pragma once

#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

// What one touch_page() takes at worst, made sure of. Error: NoMemory.
inline Result<void> reserve_for_touch(WorkerContext& context) {
    return Reserve::ensure<Leaf, LeafNode, Run, Request>(context.worker, Reserve::kFaultFrames,
                                                        {1, LeafMap::kMostNewNodes, RunTree::kMostNewRuns, 1});
}

// Why a region does not serve an access; Raced: it does.
[[gnu::always_inline]] inline Touch judge(const RegionView& view, VirtualAddress address, Access needed) {
    if (view.outcome != Lookup::Found || view.attributes.work == RegionWork::Unmapping) [[unlikely]] return Touch::NoRegion;
    if (!view.attributes.access.allows(needed)) [[unlikely]] return Touch::Denied;
    const bool stack = view.attributes.traits == RegionTraits::GrowsDown;
    if (stack && address < view.range.start + kPageSize) [[unlikely]] return Touch::Denied;
    return Touch::Raced;
}

// After a first attempt that raced: once more without the segment's lock, then under it.
Touched touch_page_again(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Toucher toucher,
                         const Receipt* waiter);

// With nothing reserved: what is resident is used; servers may take from the stock of frames.
Touched touch_page_without_reserve(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Toucher toucher,
                                   const Receipt* waiter);

// waiter: what to dispatch again if the page cannot be had now; nullptr: nothing, Parked only says that it is so.
[[gnu::always_inline]] inline Touched touch_page(WorkerContext& context, Space& space, VirtualAddress address, Access needed,
                                                 Toucher toucher, const Receipt* waiter) {
    if (!address.in_user_space()) [[unlikely]] return {Touch::NoRegion};
    if (!reserve_for_touch(context).ok()) [[unlikely]]
        return touch_page_without_reserve(context, space, address, needed, toucher, waiter);
    Leaf* leaf = space.leaves.find(address);
    Segment* segment = nullptr;
    RegionView view{};
    if (leaf == nullptr || !leaf->granted().allows(page_in_leaf(address), needed)) {
        segment = space.find_segment(address);
        if (segment == nullptr) [[unlikely]] return {Touch::NoRegion};
        view = segment->lookup(address);
        if (view.outcome == Lookup::Disturbed) [[unlikely]]
            return touch_page_again(context, space, address, needed, toucher, waiter);
        const Touch verdict = judge(view, address, needed);
        if (verdict != Touch::Raced) [[unlikely]] return {verdict};
        if (view.attributes.work == RegionWork::Changing) [[unlikely]]
            return touch_page_again(context, space, address, needed, toucher, waiter);
    }
    const Touched touched = Attempt(context, space, address, needed, toucher, waiter).serve(leaf, segment, view);
    if (touched.outcome != Touch::Raced) [[likely]] return touched;
    return touch_page_again(context, space, address, needed, toucher, waiter);
}

}  // namespace shoal::vm
