// PrepareOperation: makes ready for an update what is slow, before it comes (rs_prepare), or one process alone (rs_memctl).
//
// The new instance gets what the old one has mapped (ForkOperation); then all that the old one has is made present and its own, then all that
// the new one has. In this order, since a copy on write takes from both sides the right to write.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class PrepareOperation {
  public:
    // request: kind Prepare; process, the first phase, source unless that is PinDestination. True: finished, with its error.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    using Phase = PrepareWork::Phase;
    static bool inherit(WorkerContext& context, Request& request);
    static bool pin(WorkerContext& context, Request& request, ProcessId process);
    static void go_to(Request& request, Phase phase);
};

}  // namespace shoal::vm
