// Attempt: one try to make a page resident, with what the leaf has been granted or a lookup of its region has found. It either
// succeeds, or has changed nothing and says why.
//
// Inlined into the page fault: what it needs stays in registers. Whatever is rare is a call.
#pragma once

#include "servers/vm/fault/touched.hpp"
#include "servers/vm/fault/zeroed_frame.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/requests/worker_context.hpp"
#include "servers/vm/space/granting.hpp"
#include "servers/vm/space/space.hpp"

namespace shoal::vm {

// The leaf over the address, made if need be. nullptr: no memory or quota. Reserved: a Leaf, LeafNodes, a frame.
Leaf* obtain_leaf(WorkerContext& context, Space& space, VirtualAddress address);

// Under the leaf's lock. True: its table is to be linked for this CPU.
[[gnu::always_inline]] inline bool note_cpu(const WorkerContext& context, Leaf& leaf, Toucher toucher) {
    if (toucher == Toucher::Vm || leaf.cpus.contains(context.cpu())) return false;
    leaf.cpus.add(context.cpu());
    return true;
}

class Attempt {
  public:
    Attempt(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Toucher toucher,
            const Receipt* waiter)
        : context_(context), space_(space), address_(address), needed_(needed), toucher_(toucher), waiter_(waiter) {}

    // leaf: found over the address, or nullptr. segment, view: what a lookup has found there; nullptr: nobody has looked, for the
    // leaf's grant seemed to allow it. The segment's lock may be held or not. Everything has been reserved.
    [[gnu::always_inline]] Touched serve(Leaf* leaf, const Segment* segment, const RegionView& view) {
        const unsigned page = page_in_leaf(address_);
        if (leaf == nullptr) [[unlikely]] leaf = obtain_leaf(context_, space_, address_);
        if (leaf == nullptr) [[unlikely]] return {Touch::NoMemory};
        ZeroedFrame frame(context_, space_.quota);
        // A peek without the lock: it only decides whether zeroing is worth doing before it.
        if (!leaf->table().get(page).held() && !frame.obtain()) return {Touch::NoMemory};
        Guard guard(context_.locks(), leaf->lock);
        if (leaf->dead) [[unlikely]] return {leaf->flushing > 0 ? park_on(*leaf) : Touch::Raced};
        if (segment == nullptr ? !leaf->granted().allows(page, needed_) : !segment->unchanged(view)) [[unlikely]]
            return {Touch::Raced};
        const Access allowed = segment == nullptr ? leaf->granted().access() : view.attributes.access;
        if (segment != nullptr && view.range.size() > kPageSize) grant_next(*leaf, *segment, view);
        const Touch outcome = complete(*leaf, page, allowed, frame);
        if (outcome != Touch::Mapped && outcome != Touch::Spurious) [[unlikely]] return {outcome};
        ++leaf->faults;
        return {outcome, leaf, note_cpu(context_, *leaf, toucher_)};
    }

  private:
    // For the next fault.
    static void grant_next(Leaf& leaf, const Segment& segment, const RegionView& view) {
        grant(leaf, view.range, view.attributes);
        if (!segment.unchanged(view)) [[unlikely]] leaf.grant({});  // Leaf::forget()
    }
    [[gnu::always_inline]] Touch complete(Leaf& leaf, unsigned page, Access allowed, ZeroedFrame& frame) {
        if (leaf.table().get(page).held()) [[unlikely]] return complete_held(leaf, page, allowed);
        if (leaf.flushing > 0) [[unlikely]] return park_on(leaf);
        if (!frame.ready()) [[unlikely]] return Touch::Raced;
        map_page(context_, leaf, page, frame.release(), allowed);
        return Touch::Mapped;
    }
    Touch complete_held(Leaf& leaf, unsigned page, Access allowed) const {
        const Access before = leaf.table().get(page).access();
        if (before.allows(needed_)) return Touch::Spurious;
        // A right that the page has and the region has not: who changes the region is on his way here, and flushes it.
        if (!allowed.allows(before)) return Touch::Raced;
        upgrade_page(context_, leaf, page, allowed);
        return Touch::Mapped;
    }
    Touch park_on(Leaf& leaf) const {
        if (waiter_ != nullptr) park(context_, *waiter_, leaf.waiting);
        return Touch::Parked;
    }

    WorkerContext& context_;
    Space& space_;
    VirtualAddress address_;
    Access needed_;
    Toucher toucher_;
    const Receipt* waiter_;
};

}  // namespace shoal::vm
