// Inserting regions into a space, for the calls that map: mmap, brk, load, share, boot.
#pragma once

#include "servers/vm/requests/worker_context.hpp"
#include "servers/vm/space/region.hpp"

namespace shoal::vm {

// One region per segment over exactly this range. Over several segments all come with RegionWork::Changing first, so that no
// fault is served before the last is there. Errors: Exists, NoMemory; nothing has changed.
Result<void> insert_over(WorkerContext& context, Space& space, VirtualRange range, RegionAttributes attributes);

// Under the segment's lock, after a Change that inserted this into free addresses: leaves that are there already learn of it, a few
// at most; the others learn by their first fault. Not for a region of one page: that is found as fast as it is granted.
void grant_leaves(WorkerContext& context, Space& space, VirtualRange range, RegionAttributes attributes);

// Ends the Changing of the regions in the range; whoever waits for that goes on.
void open_regions(WorkerContext& context, Space& space, VirtualRange range);

// Takes regions in the range out again that were inserted as Changing and not opened: no fault has been served there. Whoever
// waits goes on, and finds nothing mapped.
void take_back(WorkerContext& context, Space& space, VirtualRange range);

// Every page of the range is in some region.
bool covered(WorkerContext& context, Space& space, VirtualRange range);

// Page-aligned, not empty, within user space.
Result<VirtualRange> decode_range(VirtualAddress address, uint64_t bytes);

}  // namespace shoal::vm
