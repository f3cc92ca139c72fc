// MapMemory: maps pages of a range of one space into another, over anonymous memory of both, in steps.
//
// First the source's pages are made present; what fails then has changed nothing. Then, part by part under the locks of both leaves, they go into
// the place of what the destination has there, whose old pages leave with the flush of that step (leaf/joint_pages.hpp). No region changes on
// either side, and nothing is closed: faults, calls, forks and ends of either side may come between two parts; each finds pages that are whole,
// old or new. Where memory or the quota ends, or one side unmaps its own meanwhile, what has been mapped stays, and so does the mapping, as long as
// what has been done: it can be taken back like any other.
#pragma once

#include "servers/vm/fault/touched.hpp"
#include "servers/vm/leaf/joint_pages.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class MapMemory {
  public:
    // request: kind MapMemory; source, process, range, joint. True: finished, with its error.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    enum class Step : uint8_t {
        More,
        Done,
        Blocked,  // the request waits for somebody else's work
    };
    MapMemory(WorkerContext& context, Request& request, Space& source, Space& destination)
        : context_(context), request_(request), source_(source), destination_(destination) {}

    static bool step(WorkerContext& context, Request& request, Space& source, Space& destination);
    static void end(WorkerContext& context, Request& request, Space& destination);
    Result<Step> advance(FlushBatch& from_batch, FlushBatch& batch);
    Touched touch_source();
    Result<Step> prepare();
    Result<Step> map_part(FlushBatch& from_batch, FlushBatch& batch);
    Result<Step> map_from(Leaf& from, Segment& segment, FlushBatch& from_batch, FlushBatch& batch);
    Result<Step> map_between(Leaf& from, Leaf& to, Segment& segment, FlushBatch& from_batch, FlushBatch& batch);
    [[nodiscard]] Result<Step> wait_for(Leaf& leaf);
    [[nodiscard]] bool has_changed_hands(const Leaf& from, PageSpan part);
    Result<void> open_hidden();
    [[nodiscard]] static Result<JointPlace> place_in(Leaf& to, Segment& segment, VirtualAddress address);
    [[nodiscard]] VirtualAddress source_address() const { return request_.joint.source + (request_.range.cursor - request_.range.range.start); }

    WorkerContext& context_;
    Request& request_;
    Space& source_;
    Space& destination_;
};

}  // namespace shoal::vm
