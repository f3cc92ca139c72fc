// ShareOperation: maps the pages of a range of one space at the same addresses of another, in steps.
//
// First the source's pages are made resident; what fails then has changed nothing else. Then the destination gets its region,
// marked, so that its threads' faults and calls there wait, and page after page is shared. Where memory ends the request waits
// for one round of a shortage and goes on where it was; if that does not help it fails, and a destination that had its region by
// then is good for exit only.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class ShareOperation {
  public:
    // request: kind Share; process: the destination, source, range with access. True: finished, with its error.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    static Error step(WorkerContext& context, Space& source, Space& destination, Request& request);
    static Error prepare_page(WorkerContext& context, Space& source, Request& request);
    static Error share_page_at(WorkerContext& context, Space& source, Space& destination, Request& request);
};

}  // namespace shoal::vm
