// Attempt: one try to make a page resident, with what a lookup of its region has found. It either succeeds, or has changed nothing and
// says why.
#pragma once

#include "servers/vm/fault/note_cpu.hpp"
#include "servers/vm/leaf/copy_on_write.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/memory/memory_types.hpp"
#include "servers/vm/requests/waiter.hpp"
#include "servers/vm/reserve.hpp"
#include "servers/vm/space/granting.hpp"
#include "servers/vm/space/space.hpp"

namespace shoal::vm {

// What one touch_page() takes at worst, made sure of. Error: NoMemory.
inline Result<void> reserve_for_touch(WorkerContext& context) {
    return Reserve::ensure<Leaf, LeafNode, RunTree, Run, Request, FlushBatch>(
        context.worker, Reserve::kFaultFrames, {1, LeafMap::kMostNewNodes, 1, RunTree::kMostNewRuns, 1, 1});
}

// The leaf over the address, made if need be. nullptr: no memory or quota. Reserved: a Leaf, LeafNodes, a frame.
Leaf* obtain_leaf(WorkerContext& context, Space& space, VirtualAddress address);

class Attempt {
  public:
    Attempt(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Toucher toucher, Waiter waiter)
        : context_(context), space_(space), address_(address), needed_(needed), toucher_(toucher), waiter_(waiter) {}

    // view: what a lookup in the segment has found at the address. The segment's lock may be held or not. Everything has been
    // reserved.
    Touched serve(const Segment& segment, const RegionView& view) {
        const Touched touched = serve_in(segment, view);
        return broken_ == nullptr ? touched : settle_break(touched);
    }
    // After Absent, with no lock held: has the page read. Raced: it may be there now; else as read_page().
    [[nodiscard]] Touch read() const;
    // As serve(), by the regions of a detached leaf. Raced: it is no longer detached.
    Touched serve_detached(Leaf& leaf) {
        const Touched touched = serve_in_detached(leaf);
        return broken_ == nullptr ? touched : settle_break(touched);
    }

  private:
    Touched serve_in(const Segment& segment, const RegionView& view) {
        const unsigned page = page_in_leaf(address_);
        Leaf* leaf = obtain_leaf(context_, space_, address_);
        if (leaf == nullptr) [[unlikely]] return {Touch::NoMemory};
        PageSupply supply(context_, space_, address_, view.attributes, needed_);
        // A peek without the lock: it only decides whether a frame is worth making ready before it.
        const bool absent = !leaf->table().get(page).held();
        if ((absent || supply.may_copy()) && !obtain(supply) && absent) return {Touch::NoMemory};
        Guard guard(context_.locks(), leaf->lock);
        if (leaf->dead) [[unlikely]] return {leaf->flushing > 0 ? park_on(*leaf) : Touch::Raced};
        if (leaf->detached() || !segment.unchanged(view)) [[unlikely]] return {Touch::Raced};
        const PageSpan region = pages_of_region(*leaf, view.range, view.attributes);
        if (view.range.size() > kPageSize && grantable(view.attributes)) grant_next(*leaf, segment, view, region);
        return finish(*leaf, complete(*leaf, region, page, supply));
    }
    Touched serve_in_detached(Leaf& leaf);
    // The leaf's lock has gone: what came of it, after a break.
    Touched settle_break(Touched touched);
    [[nodiscard]] bool alone_in(const Leaf& leaf) const;
    Touched finish(Leaf& leaf, Touch outcome) {
        if (outcome != Touch::Mapped && outcome != Touch::Spurious) [[unlikely]] return {outcome};
        if (broken_ != nullptr && !alone_in(leaf)) return {Touch::Parked};
        ++leaf.faults;
        if (outcome == Touch::Mapped && waited_for_file()) [[unlikely]] ++leaf.major_faults;
        return {outcome, &leaf, note_cpu(context_, leaf, toucher_)};
    }
    // For this page.
    [[nodiscard]] bool waited_for_file() const {
        const Receipt* receipt = waiter_.receipt();
        return receipt != nullptr && receipt->reads > 0 && receipt->awaited == address_.page_down();
    }
    // For the next fault.
    static void grant_next(Leaf& leaf, const Segment& segment, const RegionView& view, PageSpan region) {
        leaf.grant({region, view.attributes.access});
        if (!segment.unchanged(view)) [[unlikely]] leaf.grant({});  // Leaf::forget()
    }
    Touch complete(Leaf& leaf, PageSpan region, unsigned page, PageSupply& supply) {
        if (leaf.table().get(page).held()) [[unlikely]] return complete_held(leaf, region, page, supply);
        if (leaf.flushing > 0) [[unlikely]] return park_on(leaf);
        const Touch outcome = supply_page(supply, leaf, region, page);
        if (outcome == Touch::Absent) [[unlikely]] missing_ = supply.attributes.attachment();
        return outcome;
    }
    Touch complete_held(Leaf& leaf, PageSpan region, unsigned page, PageSupply& supply) {
        const Access allowed = supply.attributes.access;
        const Access before = leaf.table().get(page).access();
        if (before.allows(needed_)) return Touch::Spurious;
        // A right that the page has and the region has not: who changes the region is on his way here, and flushes it.
        if (!allowed.allows(before)) return Touch::Raced;
        // Another CPU may still write, or read what was in this place before a copy.
        if (leaf.flushing > 0) [[unlikely]] return park_on(leaf);
        if (needed_.writes()) {
            const Ownership ownership = leaf.trees.find(page)->state().ownership;
            if (breaks_on_write(ownership)) return break_copy(leaf, region, page, allowed);
            if (ownership == Ownership::BorrowedCopyOnWrite) return break_loan(leaf, region, page, supply);
            if (ownership == Ownership::BorrowedReadOnly) [[unlikely]] return Touch::Denied;
            if (ownership == Ownership::JointReadOnly) [[unlikely]] return end_lent(leaf, region, page, allowed);
        }
        upgrade_page(context_, leaf, page, allowed);
        return Touch::Mapped;
    }
    Touch break_copy(Leaf& leaf, PageSpan region, unsigned page, Access allowed);
    Touch end_lent(Leaf& leaf, PageSpan region, unsigned page, Access allowed);
    Touch break_loan(Leaf& leaf, PageSpan region, unsigned page, PageSupply& supply);
    void replace(Leaf& leaf, PageSpan region, unsigned page, Access allowed, FrameNumber copy);
    Touch park_on(Leaf& leaf) const {
        waiter_.park(context_, leaf.waiting);
        return Touch::Parked;
    }

    WorkerContext& context_;
    Space& space_;
    VirtualAddress address_;
    Access needed_;
    Toucher toucher_;
    Waiter waiter_;
    const Attachment* missing_ = nullptr;  // of the page that is absent
    FlushBatch* broken_ = nullptr;  // of a page that has been copied, until it is posted
};

}  // namespace shoal::vm
