// touch_granted: makes a page resident that its leaf has been granted, and that nothing is in the way of: the common page fault.
//
// Inlined into the worker's loop, so that what it needs stays in registers; whatever is rare it leaves to touch_page(). Nothing here
// writes a line that another CPU's fault on another leaf reads or writes, or reads one that is written by who maps or unmaps
// elsewhere.
#pragma once

#include "servers/vm/fault/note_cpu.hpp"
#include "servers/vm/fault/zeroed_frame.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/space/space.hpp"

namespace shoal::vm {

// Raced: not this way, and nothing has changed.
[[gnu::always_inline]] inline Touched touch_granted(WorkerContext& context, Space& space, VirtualAddress address, Access needed,
                                                    Toucher toucher) {
    if (!address.in_user_space()) [[unlikely]] return {Touch::Raced};
    Leaf* const leaf = space.leaves.find(address);
    if (leaf == nullptr) [[unlikely]] return {Touch::Raced};
    const unsigned page = page_in_leaf(address);
    const Grant grant = leaf->granted();
    PageTable& table = leaf->table();
    // A peek at the entry without the lock: it only decides whether zeroing is worth doing before it.
    if (!grant.allows(page, needed) || table.get(page).held()) [[unlikely]] return {Touch::Raced};
    if (!context.slabs().has<Run>(1) || !context.slabs().has<RunTree>(1)) [[unlikely]] return {Touch::Raced};
    ZeroedFrame frame(context, &space.quota);
    if (!frame.obtain()) [[unlikely]] return {Touch::Raced};
    Guard guard(context.locks(), leaf->lock);
    if (leaf->dead || leaf->flushing > 0 || !(leaf->granted() == grant) || table.get(page).held()) [[unlikely]] return {Touch::Raced};
    // --- commit point ---
    map_page(context, *leaf, grant.span(), page, frame.release(), grant.access());
    ++leaf->faults;
    return {Touch::Mapped, leaf, note_cpu(context, *leaf, toucher)};
}

}  // namespace shoal::vm
