// ContiguousOperation: maps neighbouring frames, in steps.
//
// First the block, which the request owns until its frames are a leaf's; it is searched for and cleared. Then the region, closed, so that faults and calls
// there wait; then leaf after leaf gets its pages; then the region opens. Where memory or quota ends the request waits for one round of a
// shortage and goes on where it was; if that does not help, the range is unmapped again, and nothing has changed.
#pragma once

#include "abi/vm_call_numbers.hpp"
#include "servers/vm/calls/call_right.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class ContiguousOperation {
  public:
    // Of mmap with one of these flags: the block wanted. Invalid: without kMapPopulate or kMapContiguous, or with what would have to move or
    // grow (kMapFixed, kMapGrowsDown); NoMemory: more than kMostContiguousBytes, or than there is below the limit; Permission: a limit,
    // without the right: what lies low is little.
    static constexpr uint64_t kFlags = kMapContiguous | kMapBelow16M | kMapBelow1M | kMapAligned64K;
    static Result<FrameBlock> decode(uint64_t bytes, uint64_t flags, CallRight right);

    // Begins, if the quota would pay. DoNotReply: the request answers; NoMemory. Who has the right is worth a round of a shortage where no
    // block is found: others could trouble all workers as often as they like.
    static Error start(WorkerContext& context, const Receipt& receipt, Space& space, const FrameBlock& wanted, Access access,
                       CallRight right);

    // request: kind Contiguous. True: finished, with its error and the address.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    enum class Step : uint8_t { More, Done, Blocked };
    ContiguousOperation(WorkerContext& context, Request& request, Space& space) : context_(context), request_(request), space_(space) {}

    Result<Step> advance();
    Result<Step> seek();
    Step clear();
    Result<Step> place();
    Result<VirtualAddress> place_as_wished();
    Result<Step> fill();
    bool undo();
    static void end_pinning(WorkerContext& context, Space& space);

    WorkerContext& context_;
    Request& request_;
    Space& space_;
};

}  // namespace shoal::vm
