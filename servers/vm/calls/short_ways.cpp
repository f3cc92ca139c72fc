// The short ways of mprotect and brk. Segment's lock, then the leaf's, and both until the end: so nobody detaches the leaf meanwhile, and a
// fault that is there first has its page in the table, one that comes later finds the grant gone and the version changed.
#include "servers/vm/calls/short_ways.hpp"

#include "servers/vm/calls/heap.hpp"
#include "servers/vm/calls/range_operation.hpp"
#include "servers/vm/calls/region_edits.hpp"

namespace shoal::vm {

namespace {

// A range in one leaf; empty: it is none.
VirtualRange range_in_leaf(VirtualAddress start, uint64_t bytes) {
    if (!start.page_aligned() || !start.in_user_space() || bytes > kLeafSize - (start - start.leaf_down())) return {};
    return VirtualRange::of(start, PageCount::covering(bytes).bytes());
}

// Under its lock: nothing is under way in the leaf, its regions are the segment's, and only the worker's CPU has used it.
bool is_quiet(const WorkerContext& context, const Leaf& leaf) {
    const bool alone = leaf.cpus.empty() || leaf.cpus.is_only(context.cpu());
    return alone && !leaf.dead && leaf.flushing == 0 && !leaf.detached();
}

// Without the lock: whether the segment has to do with it. What a larger region has in the leaf is the leaf's alone.
bool lies_in_leaf(const Segment& segment, const Leaf& leaf, VirtualRange range) {
    if (leaf.detached()) return false;
    const RegionView view = segment.lookup(range.start);
    return view.outcome == Lookup::Found && leaf.range().contains(view.range);
}

// The plain region that the range lies in, if the leaf has all of it.
Region* region_in_leaf(const Segment& segment, const Leaf& leaf, VirtualRange range) {
    if (segment.has_vacancy()) return nullptr;
    Region* region = segment.regions().floor(range.start.raw());
    if (region == nullptr || !region->range().contains(range) || !leaf.range().contains(region->range())) return nullptr;
    return region->plain() ? region : nullptr;
}

uint32_t parts_around(const Region& region, VirtualRange range) {
    return (region.start() < range.start ? 1u : 0u) + (region.end() > range.end ? 1u : 0u);
}

}  // namespace

bool protect_shortly(WorkerContext& context, Space& space, const vm_calls::MprotectArguments& arguments, PartnerTlb& tlb) {
    const Result<Access> access = Access::decode(arguments.protection);
    const VirtualRange range = range_in_leaf(arguments.address, arguments.bytes);
    if (!access.ok() || range.empty()) return false;
    Segment* segment = space.find_segment(range.start);
    Leaf* leaf = space.leaves.find(range.start);
    if (segment == nullptr || leaf == nullptr || !lies_in_leaf(*segment, *leaf, range)) return false;
    if (!RangeOperation::reserve(context).ok()) return false;
    Segment::Guard guard(context.locks(), segment->lock);
    Region* region = region_in_leaf(*segment, *leaf, range);
    if (region == nullptr) return false;
    Guard leaf_guard(guard.token(), leaf->lock);
    if (!is_quiet(context, *leaf)) return false;
    if (!space.pay_for_regions(context.locks(), context.slabs(), *segment, parts_around(*region, range)).ok()) return false;
    // --- commit point ---
    {
        Segment::Change change(*segment);
        Region& carved = region_edits::carve(context, *segment, *region, range);
        carved.set_attributes({access.value()});
        (void)region_edits::join(context, *segment, carved);
    }
    space.settle_regions(context.locks(), context.slabs(), *segment);
    const PageSpan span = Leaf::pages_within(range);
    leaf->revoke(span);
    const PageSpan lost = set_access(context, *leaf, span, access.value());
    if (lost.empty() || leaf->cpus.empty()) return true;
    context.worker.statistics.flushes_local.add();
    tlb = PartnerTlb::Flush;
    return true;
}

namespace {

// last: nullptr if the heap is empty.
bool grow(WorkerContext& context, Space& space, Leaf& leaf, Region* last, VirtualRange more) {
    Segment& common = space.common();
    if (!common.is_free(more)) return false;
    if (last == nullptr && !space.pay_for_regions(context.locks(), context.slabs(), common, 1).ok()) return false;
    // --- commit point ---
    {
        Segment::Change change(common);
        if (last != nullptr) common.resize_end(*last, more.end);
        else region_edits::insert(context, common, more, kHeap);
    }
    // For the fault that comes next.
    leaf.grant({last != nullptr ? leaf.pages_of(last->range()) : Leaf::pages_within(more), kHeap.access});
    return true;
}

// What is behind the new end, if it is the end of one run.
bool shrink(WorkerContext& context, Space& space, Leaf& leaf, Region& last, VirtualRange surplus) {
    Segment& common = space.common();
    const PageSpan span = Leaf::pages_within(surplus);
    const Run* run = leaf.trees.find(span.first);
    if (last.start() > surplus.start || run == nullptr || run->end() != span.end) return false;
    if (run->state().ownership != Ownership::Exclusive) return false;
    // --- commit point ---
    {
        Segment::Change change(common);
        if (last.start() < surplus.start) common.resize_end(last, surplus.start);
        else region_edits::remove(context, common, last);
    }
    space.settle_regions(context.locks(), context.slabs(), common);
    leaf.revoke(span);
    if (leaf.trees.whole(span) != nullptr) unmap_at_once(context, leaf, span);
    else drop_at_once(context, leaf, span);
    space.quota.refund(context.locks(), PageCount{span.size()});
    return true;
}

}  // namespace

bool move_break_shortly(WorkerContext& context, Space& space, VirtualAddress wanted, PartnerTlb& tlb) {
    if (!context.slabs().ensure<Region>(1).ok()) return false;
    Segment& common = space.common();
    Segment::Guard guard(context.locks(), common.lock);
    const VirtualAddress old_top = page_up(space.heap_end), new_top = page_up(wanted);
    if (space.heap_start.raw() == 0 || space.forking) return false;
    if (wanted < space.heap_start || wanted >= AddressLayout::kCommonMaps || new_top == old_top) return false;
    const VirtualRange moved = new_top > old_top ? VirtualRange{old_top, new_top} : VirtualRange{new_top, old_top};
    Leaf* leaf = range_in_leaf(moved.start, moved.size()).empty() ? nullptr : space.leaves.find(moved.start);
    Region* last = last_of_heap(space, old_top);
    if (leaf == nullptr || (last == nullptr && old_top > space.heap_start)) return false;
    Guard leaf_guard(guard.token(), leaf->lock);
    if (!is_quiet(context, *leaf)) return false;
    if (new_top > old_top) {
        if (!grow(context, space, *leaf, last, moved)) return false;
    } else {
        if (last == nullptr || !shrink(context, space, *leaf, *last, moved)) return false;
        context.worker.statistics.flushes_local.add();
        tlb = PartnerTlb::Flush;
    }
    space.heap_end = wanted;
    return true;
}

}  // namespace shoal::vm
