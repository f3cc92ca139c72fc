// SwapOperation: two stopped processes change places (rs_update): what each is gets the other one's name, in the kernel and here.
//
// Steps: the kernel says whether it could be; unless it is an undoing, the new one is given what the old one has mapped (ForkOperation); both slots
// are closed, so that nobody finds the spaces any more, and a grace period passes, after which no worker is inside them (none is needed where this worker
// alone has ever found either); what is being flushed
// there ends; every CPU drops its links to their tables, and no leaf names a CPU any more; the kernel swaps its halves, the slots theirs; they
// open again. Two slots are locked, in order, and nothing else: swaps of different pairs and everything about other processes go on. Whoever
// names one of the two meanwhile waits at the SwapDesk.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class SwapOperation {
  public:
    // request: kind Swap; source: the old one, process: the new one. On the CPU that received the call. True: finished, with its error; the receipt
    // then comes from who is to be answered.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    using Phase = SwapWork::Phase;
    enum class Step : uint8_t { Next, Blocked, Done };

    SwapOperation(WorkerContext& context, Request& request) : context_(context), request_(request) {}
    Step advance();
    // Whether one of the two, or that one, has something mapped by a grant, or lent so.
    bool lend();
    bool lend(ProcessId process);
    Step attempt();
    Step inherit();
    Step close();
    Step drain();
    bool drained(Space& space);
    Step unlink();
    Step forget(ProcessSlot& slot, Phase next);
    Step exchange();
    Step end_with(Error error);
    void open();
    Step go_to(Phase phase);
    [[nodiscard]] ProcessSlot& source() { return *context_.processes.slot(request_.source); }
    [[nodiscard]] ProcessSlot& destination() { return *context_.processes.slot(request_.process); }
    [[nodiscard]] Endpoint asker() const { return request_.receipt.message.source(); }

    WorkerContext& context_;
    Request& request_;
};

// Whether the request has to wait for a swap before it goes on: then it does.
bool waits_for_swap(WorkerContext& context, Request& request);

}  // namespace shoal::vm
