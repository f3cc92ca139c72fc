#include "servers/vm/update/prepare_operation.hpp"

#include "servers/vm/calls/fork_operation.hpp"
#include "servers/vm/calls/touch_operation.hpp"
#include "servers/vm/update/pin.hpp"

namespace shoal::vm {

void PrepareOperation::go_to(Request& request, Phase phase) {
    request.prepare.phase = phase;
    request.range = RangeProgress{};
}

bool PrepareOperation::inherit(WorkerContext& context, Request& request) {
    request.extent = CopyExtent::Maps;
    return ForkOperation::proceed(context, request);
}

// True: it is done with, and the error says how.
bool PrepareOperation::pin(WorkerContext& context, Request& request, ProcessId process) {
    Space* space = context.find_lasting_in_step(process);
    request.error = space == nullptr ? Error::NoProcess : pin_step(context, *space, request);
    return TouchOperation::ends(context, request);
}

bool PrepareOperation::proceed(WorkerContext& context, Request& request) {
    if (request.prepare.phase == Phase::Inherit) {
        if (!inherit(context, request)) return false;
        if (request.error != Error::None) return true;
        go_to(request, Phase::PinSource);
    }
    if (request.prepare.phase == Phase::PinSource) {
        if (!pin(context, request, request.source)) return false;
        if (request.error != Error::None) return true;
        go_to(request, Phase::PinDestination);
    }
    if (!pin(context, request, request.process)) return false;
    if (request.error != Error::None && request.prepare.succeeds_vm) context.processes.successor().give_up(request.process);
    return true;
}

}  // namespace shoal::vm
