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
    const VirtualAddress ends[] = {range.start, range.end - 1};
    for (unsigned i = 0; i < 2; ++i) {
        TRY(reserve_for_touch(context_));
        leaves_[i] = obtain_leaf(context_, space_, ends[i]);
        if (leaves_[i] == nullptr) return Error::NoMemory;
    }
    TRY((Reserve::ensure<RunTree, Run, Request>(context_.worker, 0, {2, 2 * RunTree::kMostNewRuns, 1})));
    return space_.quota.charge(context_.locks(), context_.slabs(), PageCount{count_});
}

CacheMap::Outcome CacheMap::map(VirtualRange range, const Receipt& receipt) {
    Leaf& first = *leaves_[0];
    Leaf& last = *leaves_[1];
    const auto put = [&](Leaf& leaf) {
        const PageSpan span = leaf.pages_of(range);
        const uint64_t before = leaf.range().start > range.start ? (leaf.range().start - range.start) >> kPageShift : 0;
        for (unsigned page = span.first; page < span.end; ++page)
            map_unowned(context_, leaf, span, page, frames_[before + (page - span.first)], {Ownership::Shared, Access::read_write()});
    };
    const auto look = [&](Leaf& leaf) {
        if (leaf.flushing == 0) return leaf.dead ? Outcome::Raced : Outcome::Mapped;
        park(context_, receipt, leaf.waiting);
        return Outcome::Parked;
    };
    if (&first == &last) {
        Guard guard(context_.locks(), first.lock);
        const Outcome outcome = look(first);
        if (outcome == Outcome::Mapped) put(first);
        return outcome;
    }
    PairGuard guard(context_.locks(), first.lock, first.order_key(), last.lock, last.order_key());
    Outcome outcome = look(first);
    if (outcome == Outcome::Mapped) outcome = look(last);
    if (outcome != Outcome::Mapped) return outcome;
    put(first);
    put(last);
    return outcome;
}

Result<VirtualAddress> CacheMap::place(const Receipt& receipt) {
    const uint64_t bytes = PageCount{count_}.bytes();
    const RegionAttributes closed{Access::read_write(), RegionTraits::None, RegionWork::Changing, MemoryType::Cache};
    for (;;) {
        const VirtualRange range = VirtualRange::of(TRY(place_anywhere(context_, space_, bytes, closed)), bytes);
        if (const Result<void> prepared = prepare(range); !prepared.ok()) {
            take_back(context_, space_, range);
            return prepared.error();
        }
        const Outcome outcome = map(range, receipt);
        if (outcome == Outcome::Mapped) {
            count_ = 0;  // the references are the leaves'
            open_regions(context_, space_, range);
            return range.start;
        }
        take_back(context_, space_, range);
        space_.quota.refund(context_.locks(), PageCount{count_});
        if (outcome == Outcome::Parked) return Error::DoNotReply;
    }
}

}  // namespace shoal::vm
