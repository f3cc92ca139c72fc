// TouchOperation: makes a range of a space present and usable for an access, in steps, for a server that is about to use it. What was done
// stays, whatever becomes of the rest. Where memory ends the request waits for one round of a shortage; where a file's page is missing, for it.
#pragma once

#include "servers/vm/fault/touched.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class TouchOperation {
  public:
    // request: kind Touch; process, range with access. True: finished, with its error.
    static bool proceed(WorkerContext& context, Request& request);

    // Some pages from the cursor on, past those that are not mapped, or not for this access, or cannot be read. None: the end has been reached; Again: not
    // yet; DoNotReply: nor now, the request has been put aside; NoMemory.
    static Error step_over(WorkerContext& context, Space& space, Request& request);
    // After a step that has ended with request.error. True: with this the request ends.
    static bool ends(WorkerContext& context, Request& request);

  private:
    static constexpr unsigned kPagesPerStep = 128;
    static Error error_of(Touch outcome, const Receipt& receipt);
    static Error step(WorkerContext& context, Space& space, Request& request);
};

}  // namespace shoal::vm
