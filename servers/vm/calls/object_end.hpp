// How objects come and go. ObjectEnd frees the pages of one that nobody uses any more, in steps.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// A new object, in the caller's use. A MemoryObject and a Request are reserved.
MemoryObject* make_object(WorkerContext& context, PageCount pages);

// The file or device of that name, made if there is none, with one use more. Error: NoMemory.
Result<MemoryObject*> use_object(WorkerContext& context, ObjectName name);
// One use less. The object's lock is not held.
void release_object(WorkerContext& context, MemoryObject& object);
// What MemoryObject::release() has returned. Locks may be held.
void begin_end(WorkerContext& context, Request* end);

class ObjectEnd {
  public:
    // request: kind ObjectEnd; object. True: finished, and the object retired.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    static constexpr unsigned kBlocksPerStep = 32;
    static bool free_block(WorkerContext& context, MemoryObject& object);
};

}  // namespace shoal::vm
