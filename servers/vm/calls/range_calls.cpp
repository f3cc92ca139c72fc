// munmap, mprotect, madvise and brk: decode, then one range operation.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/detach.hpp"
#include "servers/vm/calls/heap.hpp"
#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/region_edits.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/requests/shortage.hpp"

namespace shoal::vm {

Result<Space*> CallHandlers::caller() const {
    if (caller_ == nullptr) return Error::NoProcess;
    return caller_;
}

Result<Space*> CallHandlers::named_space(ProcessId process) const {
    if (process.raw() == 0 || process == process_) return caller();
    if (right_ == CallRight::Plain) return Error::Permission;
    Space* space = context_.find(process);
    if (space == nullptr) return Error::NoProcess;
    return space;
}

Error CallHandlers::run_range(const RangeProgress& what, uint64_t result) {
    const RangeOperation::Started started = RangeOperation::start(context_, *caller_, receipt_, what);
    if (started.kind == RangeOperation::Started::Kind::Refused) return Error::NoMemory;
    if (started.kind == RangeOperation::Started::Kind::FinishedLocally) tlb_ = PartnerTlb::Flush;
    if (started.request == nullptr) return Error::None;
    started.request->results[0] = result;
    return Error::DoNotReply;
}

// For what leaves no more regions or runs than there were.
Result<void> CallHandlers::reserve_stock() {
    if (RangeOperation::reserve_from_stock(context_).ok()) return {};
    if (hold(context_, receipt_)) return Error::DoNotReply;
    return RangeOperation::reserve_from_frames(context_);
}

namespace {

// Whether some of it is memory that the process may only read, and cannot make its own (remap_ro).
bool is_lent_read_only(WorkerContext& context, Space& space, VirtualRange range) {
    if (space.attachments.empty()) return false;
    return !for_all_parts(context, space, range, [](const Segment& regions, VirtualRange part) {
        for (const Region* r = regions.first_in(part); r != nullptr && r->start() < part.end; r = regions.regions().next(*r)) {
            const Attachment* attachment = r->attributes().attachment();
            if (attachment != nullptr && attachment->lending() == Ownership::BorrowedReadOnly) return false;
        }
        return true;
    });
}

}  // namespace

Result<void> CallHandlers::change_range(RangeKind kind, VirtualAddress address, uint64_t bytes, Access access) {
    Space& space = *TRY(caller());
    const VirtualRange range = TRY(decode_range(address, bytes));
    if (kind != RangeKind::Unmap && !covered(context_, space, range)) return Error::BadAddress;
    if (kind == RangeKind::Protect && access.writes() && is_lent_read_only(context_, space, range)) return Error::AccessDenied;
    RangeProgress what{kind, access, range, range.start, {}};
    if (!RangeOperation::reserve(context_).ok()) {
        TRY(reserve_stock());
        what.means = Means::Stocks;
    }
    // --- commit point ---
    return run_range(what);
}

Result<void> CallHandlers::munmap(const vm_calls::MunmapArguments& arguments) {
    context_.worker.statistics.unmaps.add();
    return change_range(RangeKind::Unmap, arguments.address, arguments.bytes, Access::none());
}

Result<void> CallHandlers::mprotect(const vm_calls::MprotectArguments& arguments) {
    const Access access = TRY(Access::decode(arguments.protection));
    return change_range(RangeKind::Protect, arguments.address, arguments.bytes, access);
}

Result<void> CallHandlers::madvise(const vm_calls::MadviseArguments& arguments) {
    if (arguments.advice != kAdviseDontNeed) return Error::Invalid;
    return change_range(RangeKind::Discard, arguments.address, arguments.bytes, Access::none());
}

Result<VirtualAddress> CallHandlers::brk(const vm_calls::BrkArguments& arguments) {
    Space& space = *TRY(caller());
    const VirtualAddress wanted = arguments.address;
    const bool asks = wanted.raw() == 0;
    const Result<void> reserved = asks ? Result<void>{} : RangeOperation::reserve(context_);
    if (!reserved.ok()) TRY(reserve_stock());  // enough to shrink
    HeapMove move{};
    if (const Error moved = move_heap_end(context_, space, receipt_, BreakWish::at(wanted), reserved, move); moved != Error::None) return moved;
    if (asks) return move.old_end;
    if (move.surplus.empty()) {
        const Error error = move.more.empty() ? Error::None : settle(space, move.more, wanted.raw());
        if (error != Error::None) return error;
        return wanted;
    }
    RangeProgress what{RangeKind::Unmap, {}, move.surplus, move.surplus.start, {}};
    if (!reserved.ok()) what.means = Means::Stocks;
    const Error error = run_range(what, wanted.raw());
    if (error == Error::None) return wanted;
    if (error == Error::NoMemory) {  // the heap's end lies inside another map
        SegmentHold held(context_, space, space.common());
        if (space.heap_end == wanted) space.heap_end = move.old_end;
    }
    return error;
}

}  // namespace shoal::vm
