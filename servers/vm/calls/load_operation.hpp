// LoadOperation: the call load in steps, so that the worker serves others between them.
//
// First everything is checked, and nothing has changed when that fails. Then the segments are mapped, and filled some pages a
// step; the arguments, which are read again from the caller, come last. Where memory ends the request waits for one round of
// a shortage and goes on where it was; if that does not help it fails, and the destination is good for exit only.
#pragma once

#include "abi/memory.hpp"
#include "servers/vm/requests/waiter.hpp"

namespace shoal::vm {

class LoadOperation {
  public:
    // receipt: of the call, whose word 1 names the LoadRequest in the caller's space. Error: DoNotReply (the answer comes
    // later), or why it is refused; reason: ElfReason, with BadExecutable.
    static Error start(WorkerContext& context, Space& caller, const Receipt& receipt, uint64_t& reason);
    // request: kind Load; process: the destination, source, range.range: the file's bytes, range.cursor: how far the
    // destination is filled. True: finished, with its error and results.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    static Error read_request(WorkerContext& context, Space& caller, const Receipt& receipt, Waiter waiter, LoadRequest& load);
    static Error step(WorkerContext& context, Request& request);
};

}  // namespace shoal::vm
