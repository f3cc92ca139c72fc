// procctl: what exec and file servers ask of a process' memory.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/update/engagement.hpp"

namespace shoal::vm {

// Its heap first: nobody extends it meanwhile.
Result<void> CallHandlers::clear(Space& space) {
    TRY(RangeOperation::reserve(context_));
    {
        SegmentHold held(context_, space, space.common());
        if (space.forking || space.arriving || space.pinning) {
            park(context_, receipt_, space.common().waiting);
            return Error::DoNotReply;
        }
        space.heap_start = space.heap_end = VirtualAddress{0};
    }
    // --- commit point ---
    Request* request = context_.slabs().create_reserved<Request>(RequestKind::Range, receipt_, context_.cpu());
    request->process = space.process();
    engage(context_, *request);
    RangeOperation::unmap_later(context_, *request, {AddressLayout::kLowest, AddressLayout::kTop});
    return Error::DoNotReply;
}

Result<void> CallHandlers::touch(Space& space, const vm_calls::ProcctlArguments& arguments) {
    if (arguments.bytes == 0) return Error::Invalid;
    if (!arguments.address.in_user_space() || arguments.bytes > kUserTop - arguments.address.raw()) return Error::BadAddress;
    const VirtualAddress start = arguments.address.page_down();
    const VirtualRange pages{start, start + PageCount::covering(arguments.address.page_offset() + arguments.bytes).bytes()};
    Request* request = TRY(context_.slabs().create<Request>(RequestKind::Touch, receipt_, context_.cpu()));
    request->process = space.process();
    request->range = {RangeKind::Populate, Access::needed_for(arguments.flags), pages, pages.start, {}};
    engage(context_, *request);
    context_.desk.push_ready(*request);
    return Error::DoNotReply;
}

Result<void> CallHandlers::procctl(const vm_calls::ProcctlArguments& arguments) {
    Space* space = context_.find(arguments.process);
    if (space == nullptr) return Error::NoProcess;
    if (arguments.what == kProcessClear) return clear(*space);
    if (arguments.what == kProcessTouch) return touch(*space, arguments);
    return Error::Invalid;
}

}  // namespace shoal::vm
