#include "servers/vm/cache/withdrawal.hpp"

#include "servers/vm/calls/object_end.hpp"
#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"

namespace shoal::vm {

namespace {

void drop(WorkerContext& context, FrameNumber frame) {
    if (context.frame_table()[frame].release() == Released::Last) context.frames().free(frame);
}

// The file that the page has left, in the caller's use; nullptr: it was in none.
MemoryObject* leave_file(WorkerContext& context, CachedPage& page) {
    MemoryObject* file = page.file;
    if (file != nullptr) PageCache::leave_file(context, page);
    return file;
}

// Where a page has been lent to; whatever process that is now.
struct Borrower {
    enum class State : uint8_t {
        Gone,
        Closed,  // it is ending, or changing places: it is still there, and nobody finds it
        Here,
    } state;
    Space* space = nullptr;
};

Borrower find_borrower(WorkerContext& context, uint32_t order) {
    ProcessSlot& slot = context.processes.slot_of_order(order);
    Guard guard(context.locks(), slot.lifecycle);
    if (slot.order() != order) return {Borrower::State::Closed};
    Space* space = slot.space();
    if (space == nullptr) return {Borrower::State::Gone};
    return {slot.find(space->process()) == space ? Borrower::State::Here : Borrower::State::Closed, space};
}

}  // namespace

// nullptr: none in this step.
CachedPage* Withdrawal::next_page(WorkerContext& context, CacheWork& work) {
    if (work.wanted > 0) {
        CachedPage* victim = PageCache::next_victim(context, *work.device, work.looks);
        if (victim == nullptr) return nullptr;
        if (--work.wanted == 0) work.looks = 0;
        return victim;
    }
    CachedPage* page = PageCache::next(context, *work.device, work.page, work.end);
    if (page != nullptr) work.page = page->device_page + 1;
    return page;
}

Withdrawal::Taken Withdrawal::take_next(WorkerContext& context, CacheWork& work) {
    bool device_left = false;
    {
        Guard guard(context.locks(), work.device->pages_lock);
        CachedPage* page = next_page(context, work);
        if (page == nullptr) return work.ended() ? Taken::End : Taken::Nothing;
        work.frame = page->frame;
        work.file_page = page->file_page;
        work.file = leave_file(context, *page);
        FrameInfo& info = context.frame_table()[page->frame];
        if (work.from == CacheWork::From::File) {
            info.share_lent();
        } else {
            PageCache::remove(context, *page);
            device_left = true;
        }
    }
    if (device_left) release_object(context, *work.device);
    if (work.file == nullptr) end_walk(context, work);
    return Taken::Page;
}

// Nobody has it borrowed any more.
void Withdrawal::end_walk(WorkerContext& context, CacheWork& work) {
    if (work.from == CacheWork::From::Device) context.frame_table()[work.frame].become(FrameKind::Anonymous, nullptr);
    drop(context, work.frame);
    if (work.file != nullptr) release_object(context, *work.file);
    work.file = nullptr;
}

// False: not now, for want of memory, or because the space is closed: its leaves have what they have until they are gone.
bool Withdrawal::take_back(WorkerContext& context, Request& request) {
    const CacheWork& work = request.cache;
    const VirtualAddress address = work.address;
    if (!address.in_user_space()) return true;
    const Borrower borrower = find_borrower(context, work.space_order);
    if (borrower.state != Borrower::State::Here) return borrower.state == Borrower::State::Gone;
    Leaf* leaf = borrower.space->leaves.find(address);
    if (leaf == nullptr) return true;
    SlabCaches& slabs = context.slabs();
    if (!slabs.ensure_from_stock<FlushBatch>(1).ok()) return false;
    // Where there is nothing to split a run with, all of it goes: who misses it finds the rest where it was.
    const bool splits = slabs.ensure_from_stock<Run>(RunForest::kMostNewRuns).ok();
    FlushBatch* batch = slabs.create_reserved<FlushBatch>(borrower.space->process(), context.cpu());
    {
        Guard guard(context.locks(), leaf->lock);
        const unsigned page = page_in_leaf(address);
        const PageEntry entry = leaf->table().get(page);
        if (entry.held() && entry.frame().raw() == work.frame.raw())
            (void)unmap_pages(context, *leaf, splits ? PageSpan{page, page + 1} : leaf->trees.find(page)->span(), Taking::Borrowed, *batch);
    }
    batch->insist();
    (void)FlushBatch::post(context, *batch, &request);
    return true;
}

// False: all have been gone through.
bool Withdrawal::meet_next(WorkerContext& context, Request& request) {
    CacheWork& work = request.cache;
    Guard guard(context.locks(), work.file->lock);
    const Attachment* attachment = work.file->walk(request.walker);
    if (attachment == nullptr) return false;
    work.space_order = attachment->space_order();
    work.address = attachment->address_of(work.file_page);
    return true;
}

// True: all have been gone through.
bool Withdrawal::walk(WorkerContext& context, Request& request) {
    CacheWork& work = request.cache;
    for (unsigned done = 0; done < kAttachmentsPerStep; ++done) {
        if (!work.meeting && !meet_next(context, request)) return true;
        work.meeting = !take_back(context, request);
        if (work.meeting) return false;
    }
    return false;
}

void Withdrawal::finish(WorkerContext& context, CacheWork& work) {
    release_object(context, *work.device);
    work.device = nullptr;
    context.frames().flush_outgoing();
}

bool Withdrawal::start(WorkerContext& context, const Receipt& receipt, CacheWork& work) {
    for (unsigned done = 0; done < kPagesPerStep && !work.walking(); ++done) {
        if (take_next(context, work) != Taken::End) continue;
        finish(context, work);
        return true;
    }
    Request* request = context.slabs().create_reserved<Request>(RequestKind::Withdraw, receipt, context.cpu());
    request->cache = work;
    context.desk.push_ready(*request);
    return false;
}

bool Withdrawal::proceed(WorkerContext& context, Request& request) {
    CacheWork& work = request.cache;
    if (request.finished) return true;
    ++request.flushes;  // our own: a flush that ends at once does not send the request on meanwhile
    for (unsigned done = 0; done < kPagesPerStep; ++done) {
        if (work.walking()) {
            if (!walk(context, request)) break;
            end_walk(context, work);
        }
        if (take_next(context, work) != Taken::End) continue;
        finish(context, work);
        request.finished = true;
        break;
    }
    if (--request.flushes > 0) return false;
    if (!request.finished) context.desk.push_more(request);
    return request.finished;
}

}  // namespace shoal::vm
