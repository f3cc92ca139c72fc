// Attaching: how a space comes by an object, and lets go of it.
//
// An attachment is made before its first region and settled after its last. Whoever unmaps regions calls sweep() when their pages are gone from
// all leaves: an attachment that no region names any more is detached, and with the last one the object ends. Two who unmap its regions at once
// cannot both miss it: each looks when his own are gone, and a region whose old pages are still going counts as one.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class Opening;

// A new object of so many pages, attached to the space at addresses that are yet to be chosen (AttachmentList::place()). Error: NoMemory
// (memory or quota); nothing has changed.
Result<Attachment*> attach_new(WorkerContext& context, Space& space, PageCount pages);

// Some pages of an object that another attachment has, likewise. Errors: NoMemory; NoEntry: the object is ending.
Result<Attachment*> attach(WorkerContext& context, Space& space, MemoryObject& object, const AttachedPart& part);

// Some pages of a file that is open. Errors: NoMemory; NoEntry: it is not, or no longer; nothing has changed.
Result<Attachment*> attach_named(WorkerContext& context, Space& space, ObjectName name, const AttachedPart& part);
// Some pages of the file that an opening is for, which ends. Error: NoMemory; nothing has changed.
Result<Attachment*> attach_opened(WorkerContext& context, Space& space, const AttachedPart& part, Opening& opening);
// Likewise of a file, in the caller's use, by an attachment that at most a closed region names. file: by which the object is open from now on, or which is
// closed, because it is already.
void attach_by(WorkerContext& context, Space& space, Attachment& attachment, FileRequest& file);

// For a fork's copy: where and as the source has it, for all regions that name it; not settled before the fork ends (settle_copies()). Errors: as
// attach().
Result<Attachment*> attach_alike(WorkerContext& context, Space& copy, const Attachment& attachment);
void settle_copies(WorkerContext& context, Space& copy);

// Its regions are there.
void settle_attachment(WorkerContext& context, Space& space, Attachment& attachment);
// There will be none.
void abandon(WorkerContext& context, Space& space, Attachment& attachment);

// Regions in the range are gone, and their pages. No lock is held.
void sweep(WorkerContext& context, Space& space, VirtualRange range);
// The space ends, and has no regions any more. Whether all are gone.
bool detach_some(WorkerContext& context, Space& space, unsigned most);

}  // namespace shoal::vm
