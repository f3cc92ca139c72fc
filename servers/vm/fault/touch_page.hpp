// touch_page: makes one page of a space resident and usable for an access, whatever is in the way: what every operation on VM's own
// behalf uses to reach user memory, and a page fault where touch_granted() does not do.
//
// Order: make sure of all memory it may need; try touch_granted(), which may have failed for want of it. Else find segment and region
// without a lock; make the leaf if need be. Lock the leaf; check that the leaf lives and the segment is unchanged; only then act. Two
// attempts by a lookup without the segment's lock, the next under it. Nothing here writes a line that another CPU's fault on another leaf reads or writes.
#pragma once

#include "servers/vm/fault/touched.hpp"
#include "servers/vm/requests/waiter.hpp"

namespace shoal::vm {

// waiter: who goes on when the page can be had, if it cannot now; nobody: Parked only says that it is so. A file's page that is not cached is asked
// for in any case.
Touched touch_page(WorkerContext& context, Space& space, VirtualAddress address, Access needed, Toucher toucher, Waiter waiter);

// A page that is copied on write, or parting, becomes the leaf's own, with the rights that it has. Error: Again (others have to flush it first, or to do
// something else there), NoMemory.
Error make_private(WorkerContext& context, Space& space, Leaf& leaf, unsigned page);

}  // namespace shoal::vm
