// The parts of the audit: each checks what it walks over, and enters what it finds there.
#pragma once

#include "servers/vm/audit/ledger.hpp"

namespace shoal::vm {

// A space with its segments, regions, leaves and quota.
void audit_space(WorkerContext& context, Space& space, Ledger& ledger);
// Whom its process watches, and by whom it is watched.
void audit_watches(WorkerContext& context, Space& space, Ledger& ledger);
// One leaf: runs against table against regions against frames. The leaf itself and its table are entered by the caller.
void audit_leaf(WorkerContext& context, Space& space, Leaf& leaf, Ledger& ledger);
// Every worker's requests, batches and retired objects.
void audit_desks(WorkerContext& context, Ledger& ledger);
// Frames that are free, permanent or lent, or hold slabs.
void audit_storage(WorkerContext& context, Ledger& ledger);

// With the object that it is the end of.
void enter_request(const Request& request, Ledger& ledger);
// A chain of waiting ones.
void enter_requests(const Request* chain, Ledger& ledger);
void enter_leaf(const Leaf& leaf, Ledger& ledger);

}  // namespace shoal::vm
