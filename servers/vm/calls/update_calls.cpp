// rs_prepare, rs_update, rs_memctl: what a live update asks of memory.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/heap.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/update/engagement.hpp"
#include "servers/vm/update/preallocation.hpp"

namespace shoal::vm {

Result<void> CallHandlers::rs_update(const vm_calls::RsUpdateArguments& arguments) {
    constexpr uint64_t kKnown = kUpdateRollback | kUpdateNoMaps;
    if ((arguments.flags & ~kKnown) != 0) return Error::Invalid;
    const UpdatePair pair = TRY(update_pair(arguments.source, arguments.destination));
    const bool inherits = (arguments.flags & kKnown) == 0;
    if (inherits && !Preallocation::find(context_, pair.destination).empty()) return Error::NotImplemented;
    Request* request = TRY(context_.slabs().create<Request>(RequestKind::Swap, receipt_, context_.cpu()));
    request->source = arguments.source;
    request->process = arguments.destination;
    request->swap.inherits = inherits;
    context_.desk.push_ready(*request);
    return Error::DoNotReply;
}

Result<CallHandlers::UpdatePair> CallHandlers::update_pair(ProcessId source, ProcessId destination) {
    Space* from = context_.find_lasting(source);
    Space* to = context_.find_lasting(destination);
    if (from == nullptr || to == nullptr) return Error::NoProcess;
    if (from == to) return Error::Invalid;
    return UpdatePair{*from, *to};
}

// The new instance's heap, where it has one, reaches as far as the old one's.
Error CallHandlers::extend_heap_alike(Space& source, Space& destination) {
    const auto heap_of = [&](Space& space) {
        SegmentHold held(context_, space, space.common());
        return VirtualRange{space.heap_start, space.heap_end};
    };
    const VirtualAddress wanted = heap_of(source).end;
    const VirtualRange heap = heap_of(destination);
    if (heap.start.raw() == 0 || heap.end >= wanted) return Error::None;
    HeapMove move{};
    return move_heap_end(context_, destination, receipt_, BreakWish::at_least(wanted), {}, move);
}

Result<void> CallHandlers::rs_prepare(const vm_calls::RsPrepareArguments& arguments) {
    if ((arguments.flags & ~uint64_t{kUpdateNoMaps}) != 0) return Error::Invalid;
    const UpdatePair pair = TRY(update_pair(arguments.source, arguments.destination));
    TRY(RangeOperation::reserve(context_));
    if (const Error error = extend_heap_alike(pair.source, pair.destination); error != Error::None) return error;
    // --- commit point ---
    const bool inherits = (arguments.flags & kUpdateNoMaps) == 0;
    (void)make_ready(arguments.source, arguments.destination, inherits ? PrepareWork::Phase::Inherit : PrepareWork::Phase::PinSource);
    return Error::DoNotReply;
}

// After RangeOperation::reserve(). source: none where nothing is inherited.
Request& CallHandlers::make_ready(ProcessId source, ProcessId process, PrepareWork::Phase first) {
    Request* request = context_.slabs().create_reserved<Request>(RequestKind::Prepare, receipt_, context_.cpu());
    request->process = process;
    request->source = source;
    request->prepare.phase = first;
    engage(context_, *request);
    context_.desk.push_ready(*request);
    return *request;
}

Error CallHandlers::make_successor(Space& space) {
    if (space.standing != Standing::Server) return Error::Permission;
    const auto lives = [&](ProcessId other) { return context_.find_in_step(other) != nullptr; };
    if (const Result<void> claimed = context_.processes.successor().claim(space.process(), lives); !claimed.ok()) return claimed.error();
    make_ready({}, space.process(), PrepareWork::Phase::PinDestination).prepare.succeeds_vm = true;
    return Error::DoNotReply;
}

Result<vm_calls::RsMemctlResults> CallHandlers::rs_memctl(const vm_calls::RsMemctlArguments& arguments) {
    Space* space = context_.find_lasting(arguments.process);
    if (space == nullptr) return Error::NoProcess;
    const uint64_t what = arguments.what;
    const bool allocates = what == kMemoryExtendHeap || what == kMemoryMap;
    if (allocates && arguments.bytes == 0) return Error::Invalid;
    if (allocates && arguments.bytes > kUserTop) return Error::NoMemory;
    const uint64_t whole_pages = PageCount::covering(arguments.bytes).bytes();
    if (what == kMemoryExtendHeap) return Preallocation::extend_heap(context_, receipt_, *space, arguments.bytes);
    if (what == kMemoryMap) return Preallocation::map(context_, receipt_, *space, whole_pages);
    if (what == kMemoryFindMap) {
        const VirtualRange map = Preallocation::find(context_, *space);
        return vm_calls::RsMemctlResults{map.start, map.size()};
    }
    if (what != kMemoryPin && what != kMemoryMakeVm) return Error::Invalid;
    TRY(RangeOperation::reserve(context_));
    if (what == kMemoryMakeVm) return make_successor(*space);
    (void)make_ready({}, arguments.process, PrepareWork::Phase::PinDestination);
    return Error::DoNotReply;
}

}  // namespace shoal::vm
