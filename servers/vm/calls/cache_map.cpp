#include "servers/vm/calls/cache_map.hpp"

#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/placement.hpp"
#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

CacheMap::~CacheMap() {
    for (uint32_t i = 0; i < count_; ++i)
        if (context_.frame_table()[frames_[i]].release() == Released::Last) context_.frames().free(frames_[i]);
}

Error CacheMap::collect(const CachePlace& place, Blocker& blocker) {
    if (const Result<void> reserved = context_.slabs().ensure<PageBlock>(1); !reserved.ok()) return reserved.error();
    Guard guard(context_.locks(), place.device.pages_lock);
    CachedPage* page = PageCache::find(context_, place.device, place.device_page);
    if (page == nullptr || page->use == CacheUse::Once) return Error::NoEntry;
    CachedPage* in_file = place.file == nullptr ? page : PageCache::find(context_, *place.file, place.file_page);
    if (in_file != page) {
        if (in_file != nullptr || page->file != nullptr) {
            blocker.page = in_file != nullptr ? in_file->device_page : place.device_page;
            return Error::Again;
        }
        PageCache::associate(context_, *page, *place.file, place.file_page);
    }
    page->recent = true;
    context_.frame_table()[page->frame].share_lent();
    frames_[count_++] = page->frame;
    return Error::None;
}

// The leaves, and what mapping takes.
Result<void> CacheMap::prepare(VirtualRange range) {
    static_assert(kMostCachePages <= kPagesPerLeaf);
    for (const VirtualAddress at : {range.start, range.end - 1}) {
        TRY(reserve_for_touch(context_));
        if (obtain_leaf(context_, space_, at) == nullptr) return Error::NoMemory;
    }
    TRY((Reserve::ensure<RunTree, Run, Request>(context_.worker, 0, {2, 2 * RunTree::kMostNewRuns, 1})));
    return space_.quota.charge(context_.locks(), context_.slabs(), PageCount{count_});
}

// False: a leaf is being flushed, and the call has been put aside until it is.
bool CacheMap::map(VirtualRange range, const Receipt& receipt) {
    Leaf* first = space_.leaves.find(range.start);
    Leaf* last = space_.leaves.find(range.end - 1);
    const auto put = [&](Leaf& leaf) {
        const PageSpan span = leaf.pages_of(range);
        const uint64_t before = leaf.range().start > range.start ? (leaf.range().start - range.start) >> kPageShift : 0;
        for (unsigned page = span.first; page < span.end; ++page)
            map_unowned(context_, leaf, span, page, frames_[before + (page - span.first)], {Ownership::Shared, Access::read_write()});
    };
    const auto ready = [&](Leaf& leaf) {
        if (leaf.dead || leaf.flushing > 0) park(context_, receipt, leaf.waiting);
        return !leaf.dead && leaf.flushing == 0;
    };
    if (first == last) {
        Guard guard(context_.locks(), first->lock);
        if (!ready(*first)) return false;
        put(*first);
        return true;
    }
    PairGuard guard(context_.locks(), first->lock, first->order_key(), last->lock, last->order_key());
    if (!ready(*first) || !ready(*last)) return false;
    put(*first);
    put(*last);
    return true;
}

Result<VirtualAddress> CacheMap::place(const Receipt& receipt) {
    TRY(context_.slabs().ensure<Request>(1));
    const uint64_t bytes = PageCount{count_}.bytes();
    const RegionAttributes closed{Access::read_write(), RegionTraits::None, RegionWork::Changing, MemoryType::Cache};
    const VirtualRange range = VirtualRange::of(TRY(place_anywhere(context_, space_, bytes, closed)), bytes);
    const Result<void> prepared = prepare(range);
    const bool mapped = prepared.ok() && map(range, receipt);
    if (mapped) {
        count_ = 0;  // the references are the leaves'
        open_regions(context_, space_, range);
        return range.start;
    }
    take_back(context_, space_, range);
    if (!prepared.ok()) return prepared.error();
    space_.quota.refund(context_.locks(), PageCount{count_});
    return Error::DoNotReply;
}

}  // namespace shoal::vm
