#include "servers/vm/files/file_read.hpp"

#include "abi/trap.hpp"
#include "servers/vm/calls/object_end.hpp"
#include "servers/vm/fault/fault_message.hpp"
#include "servers/vm/files/open_file.hpp"

namespace shoal::vm {

namespace {

constexpr uint8_t kMostReads = 100;        // that one page is worth: of a page for one use, others may take each
constexpr uint64_t kMostPages = kMostCachePages;  // of one request
constexpr size_t kMostInAdvance = 8;       // requests under way of a file, beyond which nobody asks whom it is not urgent to

struct Missing {
    uint64_t first, end;
};

// All under the object's lock.
class Reading {
  public:
    Reading(WorkerContext& context, MemoryObject& object) : index_(context.processes.page_index()), object_(object) {}

    [[nodiscard]] bool there(uint64_t page) const {
        const PageBlock* block = index_.find(object_, PageBlock::block_of(page));
        return block != nullptr && block->get(PageBlock::place_of(page)).there();
    }
    // The request under way that brings the page; nullptr: none.
    [[nodiscard]] FileRequest* under_way(uint64_t page) const {
        FileRequest* before = object_.reads().floor(page);
        return before != nullptr && page < before->end() ? before : nullptr;
    }
    // The missing pages around this one that nobody has asked for, of those that are worth reading with it.
    Missing around(uint64_t page) const {
        Missing found = window(page);
        if (const FileRequest* before = object_.reads().floor(page); before != nullptr && before->end() > found.first) found.first = before->end();
        if (const FileRequest* behind = object_.reads().ceiling(page); behind != nullptr && behind->page < found.end) found.end = behind->page;
        uint64_t first = page, end = page + 1;
        while (first > found.first && !there(first - 1)) --first;
        while (end < found.end && !there(end)) ++end;
        return {first, end};
    }

  private:
    [[nodiscard]] Missing window(uint64_t page) const {
        ReadAhead& ahead = object_.read_ahead;
        const bool goes_on = page == ahead.next && ahead.pages > 0;
        const uint64_t twice = 2 * ahead.pages < kMostPages ? 2 * ahead.pages : kMostPages;
        ahead.pages = goes_on ? twice : PageBlock::kPages;
        const uint64_t first = goes_on ? page : page & ~uint64_t{PageBlock::kPages - 1};
        return {first, first + ahead.pages};
    }

    const PageIndex& index_;
    MemoryObject& object_;
};

// How it has fared with the page so far; nullptr: it has not waited for it.
const Receipt* history_of(Waiter waiter, VirtualAddress address) {
    const Receipt* receipt = waiter.receipt();
    return receipt != nullptr && receipt->awaited == address ? receipt : nullptr;
}

bool is_in_vain(const Receipt* history) {
    return history != nullptr && (history->last_read == LastRead::PageFailed || history->reads >= kMostReads);
}

// Under the object's lock.
void wait_for(WorkerContext& context, FileRequest& read, Waiter waiter, VirtualAddress address) {
    if (!waiter.anybody()) return;
    waiter.park(context, read.waiting);
    Receipt& receipt = read.waiting->receipt;
    if (receipt.awaited != address) receipt.forget_reads();
    receipt.awaited = address;
}

Missing part_of(const Attachment& attachment, Missing missing) {
    return {missing.first > attachment.first_page() ? missing.first : attachment.first_page(),
            missing.end < attachment.end_page() ? missing.end : attachment.end_page()};
}

void tell(Request* waiting, Error error, LastRead how) {
    for (; waiting != nullptr; waiting = waiting->next) {
        ++waiting->receipt.reads;
        waiting->receipt.read_error = error;
        waiting->receipt.last_read = error == Error::None ? LastRead::Good : how;
    }
}

}  // namespace

// What the server's own threads miss the server cannot read for them.
bool waits_for_itself(WorkerContext& context, const Receipt& receipt) {
    const bool of_kernel = (receipt.status & kFromKernel) != 0;
    return of_kernel && context.processes.file_desk().is_server(FaultMessage(receipt.message).requester);
}

Touch read_page(WorkerContext& context, const Attachment& attachment, uint64_t page, Waiter waiter) {
    const VirtualAddress address = attachment.address_of(page);
    const Receipt* const history = history_of(waiter, address);
    if (is_in_vain(history) || (waiter.anybody() && waits_for_itself(context, *waiter.receipt()))) return Touch::Unreadable;
    if (!context.slabs().ensure<FileRequest>(1).ok() || !context.slabs().ensure<Request>(1).ok()) return Touch::NoMemory;
    MemoryObject& object = attachment.object();
    FileRequest* read = nullptr;
    {
        Guard guard(context.locks(), object.lock);
        const Reading reading(context, object);
        if (object.attachments() == 0 || reading.there(page)) return Touch::Raced;
        if (FileRequest* under_way = reading.under_way(page)) {
            wait_for(context, *under_way, waiter, address);
            return Touch::Parked;
        }
        if (!waiter.anybody() && object.reads().size() >= kMostInAdvance) return Touch::Unreadable;
        const bool alone = history != nullptr && history->last_read == LastRead::RunFailed;
        const Missing missing = alone ? Missing{page, page + 1} : part_of(attachment, reading.around(page));
        // --- commit point ---
        (void)object.use();  // it has attachments
        read = context.slabs().create_reserved<FileRequest>(FileWork::Read);
        read->object = &object;
        read->name = object.name();
        read->handle = object.open()->handle;
        read->page = missing.first;
        read->pages = missing.end - missing.first;
        object.read_ahead.next = missing.end;
        object.reads().insert(*read);
        wait_for(context, *read, waiter, address);
    }
    context.processes.file_desk().add(context, *read);
    return Touch::Parked;
}

void end_read(WorkerContext& context, FileRequest& read, Error error) {
    MemoryObject& object = *read.object;
    FileRequest* last = nullptr;
    Request* waiting = nullptr;
    {
        Guard guard(context.locks(), object.lock);
        object.reads().remove(read);
        last = object.take_open_if_unused();
        waiting = read.waiting;
    }
    if (last != nullptr) close_file(context, *last);
    tell(waiting, error, read.pages == 1 ? LastRead::PageFailed : LastRead::RunFailed);
    release_all(context, waiting);
    release_object(context, object);
    context.slabs().destroy(&read);
}

}  // namespace shoal::vm
