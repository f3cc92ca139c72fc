// LeafTrim: in a shortage, each worker gives up the empty leaves of the processes at home on its CPU, tables and all.
//
// Order, for up to FlushBatch::kMaxLeaves leaves of one space a step:
// 1. Under the leaf's lock: empty and without a batch, so it is marked dead, and counted as flushing. Whoever needs it parks on it.
// 2. A grace period of the workers: a fault served before may still have its Resume, which links the table, under way.
// 3. Unlink from the CPUs of the set. When all have done so, the leaf leaves the map, and those who wait are sent on.
// 4. Another grace period: a worker may have found the leaf in the map before. Then table and leaf are freed. So is whatever else
//    the worker has retired: the trim ends when nothing of it waits any more, and no eviction.
// The request lies in the worker's desk and the batch comes from its stock, so that a shortage needs no memory.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class LeafTrim {
  public:
    // Begins, unless one is under way; it answers the shortage's round `round` at its end.
    static void start(WorkerContext& context, uint64_t round);
    // Goes on with the desk's trim request. True: finished.
    static bool proceed(WorkerContext& context);
    // After the second grace period.
    static void free_leaf(WorkerContext& context, Leaf& leaf);

  private:
    static bool take(WorkerContext& context, Space& space, Leaf& leaf, FlushBatch& batch);
    static bool gather(WorkerContext& context, Space& space, FlushBatch& batch);
    static FlushBatch* gather_next(WorkerContext& context);
    static void wait_for_grace(WorkerContext& context);
};

}  // namespace shoal::vm
