// Reading: pages of a file on their way into the page cache, because somebody has touched one that is not there.
//
// All who miss a page wait for one request. It asks for the missing pages around the one that was touched, as far as they are neighbours: of its block
// of sixteen; where a fault goes on behind the last request, for twice as many as that one, ahead. A page that a failed request was for is asked
// for alone; if that fails, too, its fault does.
#pragma once

#include "servers/vm/fault/touched.hpp"
#include "servers/vm/objects/attachment.hpp"
#include "servers/vm/requests/waiter.hpp"

namespace shoal::vm {

// page: of the attachment's object, a file. No lock is held. Parked: the waiter goes on when the page has been read, or could not be; Raced: it may be
// there now, or the map may have gone; NoMemory: nothing has changed; Unreadable: the waiter has waited for it in vain, or would; or nobody waits,
// and enough is being read.
Touch read_page(WorkerContext& context, const Attachment& attachment, uint64_t page, Waiter waiter);

// Whether it is a fault or memory request of the file server's own: then its thread would wait for itself, or for another of its threads.
[[nodiscard]] bool waits_for_itself(WorkerContext& context, const Receipt& receipt);

// A read has been answered, and is the caller's no longer.
void end_read(WorkerContext& context, FileRequest& read, Error error);

}  // namespace shoal::vm
