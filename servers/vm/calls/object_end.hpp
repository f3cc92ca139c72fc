// ObjectEnd: frees the pages of an object that nobody has attached any more, in steps.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class ObjectEnd {
  public:
    // request: kind ObjectEnd; object. True: finished, and the object retired.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    static constexpr unsigned kBlocksPerStep = 32;
    static bool free_block(WorkerContext& context, MemoryObject& object);
};

}  // namespace shoal::vm
