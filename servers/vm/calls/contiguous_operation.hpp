// ContiguousOperation: maps neighbouring frames, in steps.
//
// First the block, which the request owns until its frames are a leaf's; it is cleared. Then the region, closed, so that faults and calls
// there wait; then leaf after leaf gets its pages; then the region opens. Where memory or quota ends the request waits for one round of a
// shortage and goes on where it was; if that does not help, the range is unmapped again, and nothing has changed.
#pragma once

#include "abi/vm_call_numbers.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class ContiguousOperation {
  public:
    // Of mmap with one of these flags: the block wanted. Invalid: without kMapPopulate or kMapContiguous, or with what would have to move or
    // grow (kMapFixed, kMapGrowsDown); NoMemory: more than kMostContiguousBytes.
    static constexpr uint64_t kFlags = kMapContiguous | kMapBelow16M | kMapBelow1M | kMapAligned64K;
    static Result<FrameBlock> decode(uint64_t bytes, uint64_t flags);

    // Takes the block. DoNotReply: the request answers; NoMemory.
    static Error start(WorkerContext& context, const Receipt& receipt, ProcessId process, const FrameBlock& wanted, Access access);

    // request: kind Contiguous. True: finished, with its error and the address.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    enum class Step : uint8_t { More, Done, Blocked };
    ContiguousOperation(WorkerContext& context, Request& request, Space& space) : context_(context), request_(request), space_(space) {}

    Result<Step> advance();
    Step clear();
    Result<Step> place();
    Result<VirtualAddress> place_as_wished();
    Result<Step> fill();
    bool undo();

    WorkerContext& context_;
    Request& request_;
    Space& space_;
};

}  // namespace shoal::vm
