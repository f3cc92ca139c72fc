// setcachepage, mapcachepage, forgetcachepage and clearcache: what file servers do with the page cache.
#include "servers/vm/cache/evictor.hpp"
#include "servers/vm/cache/withdrawal.hpp"
#include "servers/vm/calls/cache_map.hpp"
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/object_use.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

namespace {

constexpr uint64_t kMostForgotten = uint64_t{1} << 20;  // pages a call

// Whether the frame may become the cache's: the leaf has it alone, and it never was shared memory's, whose object may have it still.
// What a device may know stays as it is.
bool is_givable(FrameTable frames, FrameNumber frame, Ownership ownership) {
    if (ownership == Ownership::Exclusive) return true;
    const bool counted = ownership == Ownership::Shared || ownership == Ownership::CopyOnWrite || is_joint(ownership);
    return counted && frames[frame].exclusive() && frames[frame].kind() != FrameKind::Object;
}

// What is left of a setcachepage when its first pages are set: those may be forgotten again before it goes on.
Receipt rest_of(const Receipt& receipt, uint64_t pages) {
    Receipt rest = receipt;
    auto& words = rest.message.words;
    words[1] += pages * kPageSize;
    words[3] += pages * kPageSize;
    words[5] += pages * kPageSize;
    words[6] -= pages;
    return rest;
}

// The page numbers of bytes that lie in whole pages. Errors: BadAddress (unaligned), Invalid (none, too many, or beyond all offsets).
Result<uint64_t> first_page_of(uint64_t offset, uint64_t pages, uint64_t most) {
    if (pages == 0 || pages > most) return Error::Invalid;
    if (offset % kPageSize != 0) return Error::BadAddress;
    if (offset / kPageSize + pages > ~uint64_t{0} / kPageSize) return Error::Invalid;
    return offset / kPageSize;
}

}  // namespace

// None: it is out of the way; DoNotReply: it will be, and the call comes again.
Error CallHandlers::withdraw(MemoryObject& device, uint64_t page, CacheWork::From from, const Receipt& receipt) {
    if (!context_.slabs().ensure_from_stock<Request>(1).ok()) return Error::NoMemory;
    CacheWork work;
    work.device = context_.processes.named_objects().use(context_.locks(), device.name());
    if (work.device == nullptr) return Error::None;
    work.page = page;
    work.end = page + 1;
    work.then = CacheWork::Then::Again;
    work.from = from;
    return Withdrawal::start(context_, receipt, work) ? Error::None : Error::DoNotReply;
}

// One page of the caller's. Error::Again: try once more, something has been put out of the way.
Error CallHandlers::set_page(Space& space, VirtualAddress address, const CachePlace& place, CacheUse use, const Receipt& rest) {
    const Result<void> reserved = Reserve::ensure<CachedPage, PageBlock, Run, RunTree>(context_.worker, 0, {1, 2, RunForest::kMostNewRuns, 1});
    if (!reserved.ok()) return reserved.error();
    Leaf* leaf = space.leaves.find(address);
    if (leaf == nullptr) return Error::BadAddress;
    CachedPage* blocker = nullptr;
    CacheWork::From from = CacheWork::From::Device;
    uint64_t blocked_page = place.device_page;
    const auto set = [&]() -> Error {
        const unsigned page = page_in_leaf(address);
        const Run* run = leaf->trees.find(page);
        if (run == nullptr) return Error::BadAddress;
        const FrameNumber frame = leaf->table().get(page).frame();
        CachedPage* there = PageCache::find(context_, place.device, place.device_page);
        CachedPage* in_file = place.file == nullptr ? nullptr : PageCache::find(context_, *place.file, place.file_page);
        const bool same = there != nullptr && there->frame.raw() == frame.raw() && there->use == CacheUse::Keep;
        if (same && (place.file == nullptr || in_file == there)) return there->recent = true, Error::None;
        if (there != nullptr && !same) blocker = there;
        else if (in_file != nullptr) blocker = in_file, from = CacheWork::From::File;
        else if (same && there->file != nullptr) blocker = there, from = CacheWork::From::File;
        if (blocker != nullptr) return blocked_page = blocker->device_page, Error::Again;
        if (same) return PageCache::associate(context_, *there, *place.file, place.file_page), Error::None;
        const PageState state = run->state();
        if (!is_givable(context_.frame_table(), frame, state.ownership))
            return state.ownership == Ownership::Shared || is_joint(state.ownership) ? Error::Invalid : Error::BadAddress;
        // --- commit point ---
        PageCache::enter(context_, place, frame, use);
        leaf->trees.restate(context_.slabs(), leaf->table(), {page, page + 1}, {Ownership::Shared, state.access});
        return Error::None;
    };
    Error error = Error::None;
    {
        Guard guard(context_.locks(), leaf->lock);
        Guard device_guard(context_.locks(), place.device.pages_lock);
        error = set();
    }
    if (blocker == nullptr) return error;
    const Error withdrawn = withdraw(place.device, blocked_page, from, rest);
    return withdrawn == Error::None ? Error::Again : withdrawn;
}

Result<void> CallHandlers::setcachepage(const vm_calls::SetcachepageArguments& arguments) {
    Space& space = *TRY(caller());
    const uint64_t pages = arguments.pages & 0xffff'ffff, flags = arguments.pages >> 32;
    if (arguments.device == 0 || (flags & ~uint64_t{kCacheOnce}) != 0) return Error::Invalid;
    const uint64_t device_page = TRY(first_page_of(arguments.device_offset, pages, kMostCachePages));
    const uint64_t file_page = TRY(first_page_of(arguments.inode_offset, pages, kMostCachePages));
    constexpr uint64_t kBetweenLooks = 64;  // pages
    if (context_.processes.shard(context_.cpu()).pages_cached.value() % kBetweenLooks < pages) keep_room(context_);
    const VirtualAddress start = arguments.address;
    if (!start.page_aligned() || !start.in_user_space() || pages * kPageSize > kUserTop - start.raw()) return Error::BadAddress;
    const ObjectUse device(context_, TRY(use_object(context_, {arguments.device})));
    const bool in_file = arguments.inode != ObjectName::kNoInode;
    const ObjectUse file(context_, in_file ? TRY(use_object(context_, {arguments.device, arguments.inode})) : nullptr);
    const CacheUse use = (flags & kCacheOnce) != 0 ? CacheUse::Once : CacheUse::Keep;
    for (uint64_t i = 0; i < pages;) {
        const Error error = set_page(space, start + i * kPageSize, {*device, device_page + i, file.get(), file_page + i}, use,
                                     rest_of(receipt_, i));
        if (error == Error::None) ++i;
        else if (error != Error::Again) return error;
    }
    return {};
}

Result<VirtualAddress> CallHandlers::mapcachepage(const vm_calls::MapcachepageArguments& arguments) {
    Space& space = *TRY(caller());
    if (arguments.device == 0) return Error::Invalid;
    const uint64_t pages = arguments.pages;
    const uint64_t device_page = TRY(first_page_of(arguments.device_offset, pages, kMostCachePages));
    const uint64_t file_page = TRY(first_page_of(arguments.inode_offset, pages, kMostCachePages));
    const ObjectUse device(context_, context_.processes.named_objects().use(context_.locks(), {arguments.device}));
    if (device.get() == nullptr) return Error::NoEntry;
    const bool in_file = arguments.inode != ObjectName::kNoInode;
    const ObjectUse file(context_, in_file ? TRY(use_object(context_, {arguments.device, arguments.inode})) : nullptr);
    CacheMap map(context_, space);
    for (uint64_t i = 0; i < pages;) {
        CacheMap::Blocker blocker;
        const Error error = map.collect({*device, device_page + i, file.get(), file_page + i}, blocker);
        if (error == Error::None) ++i;
        else if (error != Error::Again) return error;
        else if (const Error withdrawn = withdraw(*device, blocker.page, CacheWork::From::File, receipt_); withdrawn != Error::None) return withdrawn;
    }
    context_.worker.statistics.maps.add();
    return map.place(receipt_);
}

Result<void> CallHandlers::forget(uint64_t device, uint64_t page, uint64_t end) {
    if (!context_.slabs().ensure_from_stock<Request>(1).ok()) return Error::NoMemory;
    CacheWork work;
    work.device = context_.processes.named_objects().use(context_.locks(), {device});
    if (work.device == nullptr) return {};
    work.page = page;
    work.end = end;
    return Result<void>{Withdrawal::start(context_, receipt_, work) ? Error::None : Error::DoNotReply};
}

Result<void> CallHandlers::forgetcachepage(const vm_calls::ForgetcachepageArguments& arguments) {
    if (arguments.device == 0) return Error::Invalid;
    const uint64_t page = TRY(first_page_of(arguments.device_offset, arguments.pages, kMostForgotten));
    return forget(arguments.device, page, page + arguments.pages);
}

Result<void> CallHandlers::clearcache(const vm_calls::ClearcacheArguments& arguments) {
    if (arguments.device == 0) return Error::Invalid;
    return forget(arguments.device, 0, CacheWork::kAll);
}

}  // namespace shoal::vm
