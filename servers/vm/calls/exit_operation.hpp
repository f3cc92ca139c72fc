// ExitOperation: takes the space of a stopped process apart, on the process' home CPU, so that its frames and tables go home.
//
// Steps: the slot is closed, so that nobody finds the space any more; the kernel destroys its upper tables and says when no
// CPU has it loaded; a grace period passes, after which no worker is inside it, unless no other worker has ever found it
// (space/process_table.hpp); leaves, regions and attachments are freed, so many a step that no fault here waits long; then the rest, those who watch
// the process are told, the slot is vacated, the caller answered.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class ExitOperation {
  public:
    // The space's own request, for one call of exit; nullptr: the process is gone, or another call has it.
    static Request* claim(WorkerContext& context, ProcessId process, const Receipt& receipt);
    // Gives it back after a failed start, where the answer is sent.
    static void give_up(WorkerContext& context, Request& request);
    // On the home CPU. Error: Busy (not stopped), and the request is the caller's again. DoNotReply: the answer comes later.
    static Error start(WorkerContext& context, Request& request);
    // kSpaceGone.
    static void space_gone(WorkerContext& context, ProcessId process);
    // When no worker is inside. True: finished.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    enum class Step : uint8_t { More, Blocked, Done };
    static Step free_some(WorkerContext& context, Request& request);
    static Step free_leaf(WorkerContext& context, Request& request, Leaf& leaf, unsigned& left);
    static bool free_regions(WorkerContext& context, Space& space, unsigned& left);
    static void finish(WorkerContext& context, Request& request);
};

}  // namespace shoal::vm
