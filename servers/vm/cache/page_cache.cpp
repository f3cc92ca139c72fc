#include "servers/vm/cache/page_cache.hpp"

#include "servers/vm/arena/window.hpp"
#include "servers/vm/calls/object_use.hpp"

namespace shoal::vm {

CachedPage* PageCache::find(WorkerContext& context, const MemoryObject& object, uint64_t page) {
    const PageBlock* block = context.processes.page_index().find(object, PageBlock::block_of(page));
    const ObjectPage there = block == nullptr ? ObjectPage{} : block->get(PageBlock::place_of(page));
    return there.there() ? static_cast<CachedPage*>(context.frame_table()[there.frame()].owner()) : nullptr;
}

CachedPage* PageCache::next(WorkerContext& context, MemoryObject& device, uint64_t& page, uint64_t end) {
    constexpr uint64_t kPagesAtOnce = 1024;
    if (end == CacheWork::kAll) {
        Guard guard(context.locks(), device.lock);
        const PageBlock* block = device.blocks().front();
        page = block == nullptr ? CacheWork::kAll : block->number() << PageBlock::kPagesShift;
    }
    const uint64_t last = end - page < kPagesAtOnce ? end : page + kPagesAtOnce;
    while (page < last) {
        const uint64_t number = PageBlock::block_of(page), behind = (number + 1) << PageBlock::kPagesShift;
        const PageBlock* block = context.processes.page_index().find(device, number);
        for (; block != nullptr && page < behind && page < last; ++page) {
            const ObjectPage there = block->get(PageBlock::place_of(page));
            if (there.there()) return static_cast<CachedPage*>(context.frame_table()[there.frame()].owner());
        }
        page = behind < last ? behind : last;
    }
    return nullptr;
}

CachedPage* PageCache::next_victim(WorkerContext& context, MemoryObject& device, uint64_t& blocks) {
    constexpr uint64_t kBlocksAtOnce = 64;
    const FrameTable frames = context.frame_table();
    Guard guard(context.locks(), device.lock);
    for (uint64_t step = kBlocksAtOnce; step > 0 && blocks > 0; --step, --blocks) {
        PageBlock* block = device.blocks().front();
        if (block == nullptr) return blocks = 0, nullptr;
        for (unsigned place = 0; place < PageBlock::kPages; ++place) {
            const ObjectPage there = block->get(place);
            auto* page = there.there() ? static_cast<CachedPage*>(frames[there.frame()].owner()) : nullptr;
            if (page != nullptr && !page->recent && frames[there.frame()].references() == 1) return page;
        }
        for (unsigned place = 0; place < PageBlock::kPages; ++place)
            if (const ObjectPage there = block->get(place); there.there()) static_cast<CachedPage*>(frames[there.frame()].owner())->recent = false;
        device.blocks().remove(*block);
        device.blocks().push_back(*block);
    }
    return nullptr;
}

void PageCache::put(WorkerContext& context, MemoryObject& object, uint64_t number, const CachedPage& page) {
    Guard guard(context.locks(), object.lock);
    const bool used = object.use();
    SHOAL_ASSERT(used);  // by the caller
    (void)used;
    PageBlock& block = context.processes.page_index().obtain_locked(context.locks(), context.slabs(), object, PageBlock::block_of(number));
    block.enter(PageBlock::place_of(number), ObjectPage{page.frame, page.use == CacheUse::Once});
}

void PageCache::enter(WorkerContext& context, const CachePlace& place, FrameNumber frame, CacheUse use) {
    CachedPage* page = context.slabs().create_reserved<CachedPage>(place.device, place.device_page, frame, use);
    FrameInfo& info = context.frame_table()[frame];
    info.become(FrameKind::Cached, page);
    info.share();
    context.processes.shard(context.cpu()).pages_cached.add();
    put(context, place.device, place.device_page, *page);
    if (place.file != nullptr) associate(context, *page, *place.file, place.file_page);
}

void PageCache::associate(WorkerContext& context, CachedPage& page, MemoryObject& file, uint64_t file_page) {
    page.file = &file;
    page.file_page = file_page;
    put(context, file, file_page, page);
}

void PageCache::take(WorkerContext& context, MemoryObject& object, uint64_t page) {
    Guard guard(context.locks(), object.lock);
    take_locked(context, object, page);
}

// Under the object's lock.
void PageCache::take_locked(WorkerContext& context, MemoryObject& object, uint64_t page) {
    PageIndex& index = context.processes.page_index();
    PageBlock* block = index.find(object, PageBlock::block_of(page));
    if (!block->leave(PageBlock::place_of(page))) return;
    object.blocks().remove(*block);
    index.remove(context.locks(), *block);
    context.worker.reclaimer.retire(block->retire_hook, deleter_of(Retired::PageBlock));
}

void PageCache::leave_file(WorkerContext& context, CachedPage& page) {
    take(context, *page.file, page.file_page);
    page.file = nullptr;
}

bool PageCache::leave_unused_file(WorkerContext& context, CachedPage& page) {
    {
        Guard guard(context.locks(), page.file->lock);
        // References last: who has let go of the file has taken his before (FlushBatch::take_borrowed()).
        if (page.file->attachments() > 0 || context.frame_table()[page.frame].references() != 1) return false;
        take_locked(context, *page.file, page.file_page);
    }
    page.file = nullptr;
    return true;
}

bool PageCache::take_once(WorkerContext& context, const ObjectPlace& place, FrameNumber frame, FrameNumber copy) {
    MemoryObject& file = place.object;
    const ObjectUse device(context, context.processes.named_objects().use(context.locks(), {file.name().device}));
    if (device.get() == nullptr) return false;
    {
        Guard guard(context.locks(), (*device).pages_lock);
        CachedPage* page = find(context, file, place.page);
        if (page == nullptr || page->frame.raw() != frame.raw() || page->use != CacheUse::Once) return false;
        // --- commit point ---
        __builtin_memcpy(window_pointer(copy), window_pointer(frame), kPageSize);
        leave_file(context, *page);
        remove(context, *page);
        FrameInfo& info = context.frame_table()[frame];
        info.become(FrameKind::Anonymous, nullptr);
        if (info.release() == Released::Last) context.frames().free(frame);
    }
    release_object(context, file);
    release_object(context, *device);
    return true;
}

void PageCache::remove(WorkerContext& context, CachedPage& page) {
    SHOAL_ASSERT(page.file == nullptr);
    take(context, *page.device, page.device_page);
    context.frame_table()[page.frame].become(FrameKind::Withdrawn, nullptr);
    context.processes.shard(context.cpu()).pages_uncached.add();
    context.slabs().destroy(&page);
}

}  // namespace shoal::vm
