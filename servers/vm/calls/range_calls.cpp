// munmap, mprotect, madvise and brk: decode, then one range operation.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/region_edits.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/requests/shortage.hpp"

namespace shoal::vm {

Result<Space*> CallHandlers::caller() const {
    if (caller_ == nullptr) return Error::NoProcess;
    return caller_;
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

Result<void> CallHandlers::change_range(RangeKind kind, VirtualAddress address, uint64_t bytes, Access access) {
    Space& space = *TRY(caller());
    const VirtualRange range = TRY(decode_range(address, bytes));
    if (kind != RangeKind::Unmap && !covered(context_, space, range)) return Error::BadAddress;
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

namespace {

VirtualAddress page_up(VirtualAddress address) { return (address + (kPageSize - 1)).page_down(); }

constexpr RegionAttributes kHeap{Access::read_write(), RegionTraits::Heap};

// Under the common segment's lock: the heap's last region, if it ends where the heap is to grow.
Region* last_of_heap(Space& space, VirtualAddress end) {
    Region* last = end > space.heap_start ? space.common().first_in({end - kPageSize, end}) : nullptr;
    return last != nullptr && last->attributes() == kHeap ? last : nullptr;
}

}  // namespace

Result<VirtualAddress> CallHandlers::brk(const vm_calls::BrkArguments& arguments) {
    Space& space = *TRY(caller());
    const Result<void> reserved = RangeOperation::reserve(context_);
    if (!reserved.ok()) TRY(reserve_stock());  // enough to shrink
    const VirtualAddress wanted = arguments.address;
    VirtualRange surplus{}, more{};
    VirtualAddress old_end;
    {
        SegmentHold held(context_, space, space.common());
        if (wanted.raw() == 0) return space.heap_end;
        if (space.heap_start.raw() == 0) return Error::NoMemory;  // no image, no heap
        if (wanted < space.heap_start || wanted >= AddressLayout::kCommonMaps) return Error::NoMemory;
        old_end = space.heap_end;
        const VirtualAddress old_top = page_up(old_end), new_top = page_up(wanted);
        if (new_top > old_top) {
            if (!reserved.ok() || !space.common().is_free({old_top, new_top})) return Error::NoMemory;
            more = {old_top, new_top};
            Region* last = last_of_heap(space, old_top);
            if (last == nullptr) TRY(space.pay_for_regions(context_.locks(), context_.slabs(), space.common(), 1));
            // --- commit point ---
            Segment::Change change(space.common());
            if (last != nullptr) space.common().resize_end(*last, new_top);
            else region_edits::insert(context_, space.common(), more, kHeap);
        } else {
            surplus = {new_top, old_top};
        }
        space.heap_end = wanted;
    }
    if (surplus.empty()) {
        const Error error = more.empty() ? Error::None : settle(space, more, wanted.raw());
        if (error != Error::None) return error;
        return wanted;
    }
    RangeProgress what{RangeKind::Unmap, {}, surplus, surplus.start, {}};
    if (!reserved.ok()) what.means = Means::Stocks;
    const Error error = run_range(what, wanted.raw());
    if (error == Error::None) return wanted;
    if (error == Error::NoMemory) {  // the heap's end lies inside another map
        SegmentHold held(context_, space, space.common());
        if (space.heap_end == wanted) space.heap_end = old_end;
    }
    return error;
}

}  // namespace shoal::vm
