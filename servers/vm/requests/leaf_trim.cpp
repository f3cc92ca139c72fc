#include "servers/vm/requests/leaf_trim.hpp"

#include <utility>

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"

namespace shoal::vm {

void LeafTrim::start(WorkerContext& context, uint64_t round) {
    Request& request = context.desk.trim;
    if (context.desk.trimming) return;
    context.desk.trimming = true;
    request.owner = request.answerer = context.cpu();
    context.desk.trim_round = round;
    context.desk.trim_slot = 0;
    request.range.cursor = VirtualAddress{0};
    context.desk.push_ready(request);
}

bool LeafTrim::take(WorkerContext& context, Space& space, Leaf& leaf, FlushBatch& batch) {
    Guard guard(context.locks(), leaf.lock);
    if (leaf.dead || leaf.flushing > 0 || leaf.waiting != nullptr || leaf.detached() || !leaf.trees.empty()) return false;
    leaf.trees.clear(context.slabs());  // of an empty one
    leaf.dead = true;
    leaf.charged = false;
    space.past_faults.add(std::exchange(leaf.faults, 0));
    space.past_major_faults.add(std::exchange(leaf.major_faults, 0));
    batch.add_dead_leaf(leaf);
    space.quota.refund(context.locks(), PageCount{1});
    return true;
}

// True: the space has been seen to its end.
bool LeafTrim::gather(WorkerContext& context, Space& space, FlushBatch& batch) {
    VirtualAddress& cursor = context.desk.trim.range.cursor;
    for (unsigned visited = 0; visited < kPagesPerLeaf; ++visited) {
        if (!batch.has_room_for_dead_leaf()) return false;
        Leaf* leaf = space.leaves.next(cursor, AddressLayout::kTop);
        if (leaf == nullptr) return true;
        cursor = leaf->range().end;
        (void)take(context, space, *leaf, batch);
    }
    return false;
}

// A batch of dead leaves, possibly empty when the step was long enough; nullptr: no process is left.
FlushBatch* LeafTrim::gather_next(WorkerContext& context) {
    uint32_t& index = context.desk.trim_slot;
    VirtualAddress& cursor = context.desk.trim.range.cursor;
    for (; index < context.processes.slots(); ++index, cursor = VirtualAddress{0}) {
        Space* space = context.processes.slot_at(index).living_at(context.cpu());
        if (space == nullptr) continue;
        FlushBatch* batch = context.slabs().create_reserved<FlushBatch>(space->process(), context.cpu());
        if (gather(context, *space, *batch)) ++index, cursor = VirtualAddress{0};
        return batch;
    }
    return nullptr;
}

void LeafTrim::wait_for_grace(WorkerContext& context) {
    context.worker.reclaimer.retire(context.desk.trim.grace, deleter_of(Retired::TrimRequest));
    ++context.desk.graces;
}

bool LeafTrim::proceed(WorkerContext& context) {
    RequestDesk& desk = context.desk;
    if (desk.dead_leaves != nullptr) {  // their first grace period is over
        FlushBatch& batch = *desk.dead_leaves;
        desk.dead_leaves = nullptr;
        (void)FlushBatch::post(context, batch, &desk.trim);
        return false;
    }
    if (!context.slabs().ensure_from_stock<FlushBatch>(1).ok()) {
        desk.push_ready(desk.trim);  // batches under way come back
        return false;
    }
    FlushBatch* batch = gather_next(context);
    // What has been retired, leaves and slabs, is memory too.
    if (batch == nullptr && context.worker.reclaimer.pending() == 0) {
        desk.trimming = desk.evicting;
        if (desk.evicting) desk.push_ready(desk.trim);
        return !desk.evicting;
    }
    if (batch != nullptr && !batch->unlinks()) {
        FlushBatch::discard(context, *batch);
        desk.push_ready(desk.trim);
        return false;
    }
    desk.dead_leaves = batch;
    wait_for_grace(context);
    return false;
}

void LeafTrim::free_leaf(WorkerContext& context, Leaf& leaf) {
    const FrameNumber table = leaf.table_frame();
    const Released released = context.frame_table()[table].release();
    SHOAL_ASSERT(released == Released::Last);
    if (released == Released::Last) context.frames().free(table);
    context.slabs().destroy(&leaf);
    context.processes.shard(context.cpu()).tables_freed.add();
}

}  // namespace shoal::vm
