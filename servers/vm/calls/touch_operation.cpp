#include "servers/vm/calls/touch_operation.hpp"

#include "servers/vm/fault/touch_page.hpp"
#include "servers/vm/requests/shortage.hpp"

namespace shoal::vm {

Error TouchOperation::error_of(Touch outcome) {
    switch (outcome) {
        case Touch::NoMemory: return Error::NoMemory;
        case Touch::Denied: return Error::AccessDenied;
        case Touch::NoRegion: return Error::BadAddress;
        case Touch::Mapped:
        case Touch::Spurious: return Error::None;
        case Touch::Parked:
        case Touch::Raced: break;
    }
    return Error::Again;
}

// None: the end has been reached; Again: not yet.
Error TouchOperation::step(WorkerContext& context, Space& space, RangeProgress& progress) {
    for (unsigned i = 0; i < kPagesPerStep && progress.cursor < progress.range.end; ++i) {
        const Error error = error_of(touch_page(context, space, progress.cursor, progress.access, Toucher::Vm, nullptr).outcome);
        if (error != Error::None) return error;
        progress.cursor = progress.cursor + kPageSize;
    }
    return progress.cursor < progress.range.end ? Error::Again : Error::None;
}

bool TouchOperation::proceed(WorkerContext& context, Request& request) {
    Space* space = context.processes.find(request.process);
    request.error = space == nullptr ? Error::NoProcess : step(context, *space, request.range);
    if (request.error == Error::Again) {
        context.desk.push_ready(request);
        return false;
    }
    return request.error != Error::NoMemory || !wait_for_memory(context, request);
}

}  // namespace shoal::vm
