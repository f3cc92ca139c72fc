// Preallocation: memory that a process will want, mapped and present before it does (rs_memctl): more heap, or one map that it is told of later.
//
// The map has a trait of its own, by which it is known again, and so what is left of it. What cannot be made present is unmapped again.
// One of a process at a time.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class Preallocation {
  public:
    // Both: DoNotReply: the request answers, with the heap's old end, or the map's address and length. Errors: NoMemory; Busy: one is under way;
    // Exists: the process has such a map already.
    static Error extend_heap(WorkerContext& context, const Receipt& receipt, Space& space, uint64_t bytes);
    static Error map(WorkerContext& context, const Receipt& receipt, Space& space, uint64_t bytes);

    // What is left of the map, from its first page on up to a hole, whatever its protection; empty: there is none.
    static VirtualRange find(WorkerContext& context, Space& space);

    // request: kind Preallocate. True: finished, with its error and results.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    static Error begin(WorkerContext& context, Space& space);
    static void end(WorkerContext& context, Space& space);
    static void populate(WorkerContext& context, const Receipt& receipt, Space& space, VirtualRange range, VirtualAddress address, uint64_t bytes);
    static VirtualRange withdraw(WorkerContext& context, Space& space, Request& request);
    static VirtualRange withdraw_heap(WorkerContext& context, Space& space, const Request& request);
    static VirtualRange withdraw_map(WorkerContext& context, Space& space, const Request& request);
};

}  // namespace shoal::vm
