#include "servers/vm/calls/touch_operation.hpp"

#include "servers/vm/fault/touch_page.hpp"
#include "servers/vm/requests/shortage.hpp"

namespace shoal::vm {

Error TouchOperation::error_of(Touch outcome, const Receipt& receipt) {
    switch (outcome) {
        case Touch::NoMemory: return Error::NoMemory;
        case Touch::Denied: return Error::AccessDenied;
        case Touch::NoRegion: return Error::BadAddress;
        case Touch::Mapped:
        case Touch::Spurious: return Error::None;
        case Touch::Parked: return Error::DoNotReply;
        case Touch::Unreadable: return receipt.read_failure();
        case Touch::Absent:
        case Touch::Raced: break;
    }
    return Error::Again;
}

// As step_over(); other errors: of the page at the cursor.
Error TouchOperation::step(WorkerContext& context, Space& space, Request& request) {
    RangeProgress& progress = request.range;
    for (unsigned i = 0; i < kPagesPerStep && progress.cursor < progress.range.end; ++i) {
        const Touched touched = touch_page(context, space, progress.cursor, progress.access, Toucher::Vm, request);
        const Error error = error_of(touched.outcome, request.receipt);
        if (error != Error::None) return error;
        progress.cursor = progress.cursor + kPageSize;
    }
    return progress.cursor < progress.range.end ? Error::Again : Error::None;
}

Error TouchOperation::step_over(WorkerContext& context, Space& space, Request& request) {
    const Error error = step(context, space, request);
    if (error == Error::None || error == Error::Again || error == Error::DoNotReply || error == Error::NoMemory) return error;
    request.receipt.forget_reads();
    request.range.cursor = request.range.cursor + kPageSize;
    return Error::Again;
}

bool TouchOperation::ends(WorkerContext& context, Request& request) {
    if (request.error == Error::DoNotReply) return false;
    if (request.error == Error::Again) {
        context.desk.push_more(request);
        return false;
    }
    return request.error != Error::NoMemory || !wait_for_memory(context, request);
}

bool TouchOperation::proceed(WorkerContext& context, Request& request) {
    Space* space = context.find_in_step(request.process);
    request.error = space == nullptr ? Error::NoProcess : step(context, *space, request);
    return ends(context, request);
}

}  // namespace shoal::vm
