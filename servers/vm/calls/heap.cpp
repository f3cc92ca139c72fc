#include "servers/vm/calls/heap.hpp"

#include "servers/vm/calls/detach.hpp"
#include "servers/vm/calls/range_operation.hpp"
#include "servers/vm/calls/region_edits.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

namespace {

// Under the common segment's lock. Exists: something is in the way.
Error grow_heap(WorkerContext& context, Space& space, VirtualRange more) {
    Segment& common = space.common();
    if (!common.is_free(more)) return Error::Exists;
    Region* last = last_of_heap(space, more.start);
    if (last == nullptr && !space.pay_for_regions(context.locks(), context.slabs(), common, 1).ok()) return Error::NoMemory;
    // --- commit point ---
    Segment::Change change(common);
    if (last != nullptr) common.resize_end(*last, more.end);
    else region_edits::insert(context, common, more, kHeap);
    return Error::None;
}

Error try_to_move(WorkerContext& context, Space& space, const Receipt& receipt, BreakWish wish, const Result<void>& reserved, HeapMove& move) {
    SegmentHold held(context, space, space.common());
    move.start = space.heap_start;
    move.old_end = space.heap_end;
    const VirtualAddress wanted = wish.from(space.heap_end);
    if (wanted.raw() == 0) return Error::None;
    if (space.forking) {
        park(context, receipt, space.common().waiting);
        return Error::DoNotReply;
    }
    if (space.heap_start.raw() == 0) return Error::NoMemory;  // no image, no heap
    if (wanted < space.heap_start || wanted >= AddressLayout::kCommonMaps) return Error::NoMemory;
    const VirtualAddress old_top = page_up(move.old_end), new_top = page_up(wanted);
    if (new_top > old_top) {
        move.more = {old_top, new_top};
        if (!reserved.ok()) return Error::NoMemory;
        if (const Error error = grow_heap(context, space, move.more); error != Error::None) return error;
    } else {
        move.surplus = {new_top, old_top};
    }
    space.heap_end = wanted;
    return Error::None;
}

}  // namespace

Error move_heap_end(WorkerContext& context, Space& space, const Receipt& receipt, BreakWish wish, const Result<void>& reserved, HeapMove& move) {
    Error moved = try_to_move(context, space, receipt, wish, reserved, move);
    if (moved == Error::Exists) {  // the hole of a detached leaf, perhaps
        attach_all(context, space, move.more);
        moved = try_to_move(context, space, receipt, wish, RangeOperation::reserve(context), move);
    }
    return moved == Error::Exists ? Error::NoMemory : moved;
}

}  // namespace shoal::vm
