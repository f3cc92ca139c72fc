// rs_update: a live update's swap of two processes.
#include "servers/vm/calls/call_handlers.hpp"

namespace shoal::vm {

namespace {

constexpr uint64_t kUpdateFlags = kUpdateRollback | kUpdateNoMaps;

}  // namespace

Result<void> CallHandlers::rs_update(const vm_calls::RsUpdateArguments& arguments) {
    if ((arguments.flags & ~kUpdateFlags) != 0) return Error::Invalid;
    Space* source = context_.processes.find_lasting(arguments.source);
    Space* destination = context_.processes.find_lasting(arguments.destination);
    if (source == nullptr || destination == nullptr) return Error::NoProcess;
    if (source == destination) return Error::Invalid;
    Request* request = TRY(context_.slabs().create<Request>(RequestKind::Swap, receipt_, context_.cpu()));
    request->source = arguments.source;
    request->process = arguments.destination;
    request->swap.inherits = (arguments.flags & kUpdateFlags) == 0;
    context_.desk.push_ready(*request);
    return Error::DoNotReply;
}

}  // namespace shoal::vm
