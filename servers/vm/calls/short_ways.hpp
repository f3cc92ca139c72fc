// The short ways of calls. Of munmap and mmap: a map that one CPU has used, and of which nothing is special, is taken down and put up again in
// the same place. What it stood on is left standing for the next one: its region, vacant (Segment::vacate()); its tree, and
// the tree's run, vacant (RunForest::vacate()); table and leaf as ever. So neither way changes a tree, takes or gives an object, or needs a batch.
//
// Of mprotect: in a region that lies in one leaf. Of brk: pages at the end of the heap.
//
// They decide by a few words, change nothing before they have decided, and leave every other case, and every error, to the general
// ways (RangeOperation, CallHandlers::place_in()), which come to the same end.
#pragma once

#include "abi/vm_call_numbers.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/requests/action.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Under the segment's lock: the region that is exactly this range, with nothing special to it; nullptr: none is, or another one is
// vacant already.
[[gnu::always_inline]] inline Region* plain_region(const Segment& segment, VirtualRange range) {
    Region* region = segment.recent();
    if (region == nullptr || region->range() != range) [[unlikely]] {
        if (segment.has_vacancy()) return nullptr;
        region = segment.regions().find(range.start.raw());
        if (region == nullptr || region->end() != range.end) return nullptr;
    }
    return region->plain() ? region : nullptr;
}

// Unmaps the range if it is one region in a slice, all of it resident in one run of one leaf, and no CPU but the worker's can have
// it cached. Its frames are free at once: the answer has to flush the caller's space on this CPU. False: not this way.
//
// The leaf is locked before the region changes: a fault that is there first has its page in the run, one that comes later finds the
// grant revoked and the version changed. A leaf that no fault has made yet could be missed so; then it is not this way.
[[gnu::always_inline]] inline bool unmap_shortly(WorkerContext& context, Space& space, const vm_calls::MunmapArguments& arguments) {
    const VirtualAddress start = arguments.address;
    if (start < AddressLayout::kSlices || !start.page_aligned() || !start.in_user_space()) [[unlikely]] return false;
    if (arguments.bytes > kLeafSize - (start - start.leaf_down())) [[unlikely]] return false;
    const VirtualRange range = VirtualRange::of(start, PageCount::covering(arguments.bytes).bytes());
    const PageSpan span = Leaf::pages_within(range);
    Segment* segment = space.find_segment(start);
    Leaf* leaf = space.leaves.find(start);
    if (segment == nullptr || leaf == nullptr) [[unlikely]] return false;
    // What is not the whole of a region concerns its leaf, and nobody else who uses the segment.
    if (leaf->detached() || leaf->granted().exceeds(span)) [[unlikely]] return false;
    Segment::Guard guard(context.locks(), segment->lock);
    Region* region = plain_region(*segment, range);
    if (region == nullptr) [[unlikely]] return false;
    Guard leaf_guard(guard.token(), leaf->lock);
    if (!may_unmap_at_once(context, *leaf, span)) [[unlikely]] return false;
    // --- commit point ---
    {
        Segment::Change change(*segment);
        segment->vacate(*region);
    }
    if (leaf->granted().covers(span.first)) [[likely]] leaf->grant({});  // of one region: this one's or none of its pages
    unmap_at_once(context, *leaf, span);
    space.quota.refund(context.locks(), PageCount{span.size()});
    context.worker.statistics.unmaps.add();
    context.worker.statistics.flushes_local.add();
    return true;
}

// Maps private memory anywhere, where a map of this size has left its region vacant in the slice of the worker's CPU. Nothing of
// what was there is cached anywhere. The address; 0: not this way.
[[gnu::always_inline]] inline VirtualAddress map_shortly(WorkerContext& context, Space& space, const vm_calls::MmapArguments& arguments) {
    constexpr VirtualAddress kNot{0};
    const Result<Access> access = Access::decode(arguments.protection);
    if (arguments.address.raw() != 0 || arguments.flags != (kMapPrivate | kMapAnonymous) || !access.ok()) [[unlikely]] return kNot;
    Segment* segment = space.segment(AddressLayout::slice_of(context.cpu()));
    if (segment == nullptr) [[unlikely]] return kNot;
    Segment::Guard guard(context.locks(), segment->lock);
    if (!segment->has_vacancy()) [[unlikely]] return kNot;
    const VirtualRange range = segment->recent()->range();
    if (arguments.bytes > range.size() || range.size() - arguments.bytes >= kPageSize) [[unlikely]] return kNot;
    // --- commit point ---
    {
        Segment::Change change(*segment);
        segment->open_recent(access.value());
    }
    // Without its lock: the segment's keeps away all who revoke, and whoever overwrites a grant takes nothing but time.
    if (Leaf* leaf = space.leaves.find(range.start)) [[likely]] leaf->grant({Leaf::pages_within(range), access.value()});
    context.worker.statistics.maps.add();
    return range.start;
}

// Both: apart from the worker's loop, so that the common ways keep their registers. True: done; tlb: what the answer has to flush.

// The range lies in one plain region, all of which is in one leaf that no CPU but the worker's has used.
[[gnu::noinline]] bool protect_shortly(WorkerContext& context, Space& space, const vm_calls::MprotectArguments& arguments, PartnerTlb& tlb);
// The heap's end moves within such a leaf; what it leaves behind is the end of one run.
[[gnu::noinline]] bool move_break_shortly(WorkerContext& context, Space& space, VirtualAddress wanted, PartnerTlb& tlb);

}  // namespace shoal::vm
