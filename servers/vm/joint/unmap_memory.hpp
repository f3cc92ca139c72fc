// UnmapMemory: gives who has memory of another's, by map_memory, a copy of it in its place, in steps: of one mapping, or of all that one grant has made.
//
// First no CPU of his goes on writing the frames: his pages become parting, leaf by leaf, and are flushed. Then they are copied, and the other
// side is left as it is. Where memory ends, what has been copied stays so, and the rest is parting: it shows what others write until it
// is written itself, or until the mapping, which stays, is taken back again.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class FlushBatch;

class UnmapMemory {
  public:
    // A request of kind UnmapMemory is to take back the process' mapping that begins at the address; or all that the grant has made, up to that
    // number.
    static void begin(Request& request, ProcessId process, VirtualAddress address);
    static void begin(Request& request, GrantName grant, uint64_t last);
    // True: finished, with its error.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    enum class Step : uint8_t { More, Done, Blocked };
    UnmapMemory(WorkerContext& context, Request& request, Space& space) : context_(context), request_(request), space_(space) {}

    static bool step(WorkerContext& context, Request& request, Space& space);
    [[nodiscard]] static bool is_about_one(const Request& request) { return request.joint.last == 0; }
    static Error find_next(WorkerContext& context, Request& request);
    static Error go_on(WorkerContext& context, Request& request, Space& space);
    Result<Step> advance(FlushBatch& batch);
    Result<Step> part(FlushBatch& batch);
    Result<Step> copy(FlushBatch& batch);
    [[nodiscard]] Leaf* next_leaf() const;

    WorkerContext& context_;
    Request& request_;
    Space& space_;
};

}  // namespace shoal::vm
