#include "servers/vm/update/engagement.hpp"

#include "servers/vm/calls/segment_hold.hpp"

namespace shoal::vm {

namespace {

// Of a process that has ended nothing is left to be counted.
template <typename Change>
void for_both(WorkerContext& context, const Request& request, Change change) {
    for (const ProcessId process : {request.process, request.source}) {
        Space* space = context.find_in_step(process);
        if (space == nullptr) continue;
        SegmentHold held(context, *space, space->common());
        change(space->engagements);
    }
}

}  // namespace

void engage(WorkerContext& context, Request& request) {
    request.engaged = true;
    for_both(context, request, [](uint32_t& engagements) { ++engagements; });
}

void end_engagement(WorkerContext& context, Request& request) {
    if (!request.engaged) return;
    request.engaged = false;
    for_both(context, request, [](uint32_t& engagements) { --engagements; });
}

}  // namespace shoal::vm
