#include "servers/vm/audit/parts.hpp"
#include "servers/vm/cache/cached_page.hpp"
#include "servers/vm/flush/flush_batch.hpp"

namespace shoal::vm {

namespace {

// A page of a file is one of its device's, which has the reference.
void enter_object_page(const MemoryObject& object, const PageBlock& block, unsigned place, FrameNumber frame, Ledger& ledger) {
    if (!object.named()) return ledger.enter_reference(frame);
    const uint64_t page = block.number() << PageBlock::kPagesShift | place;
    const auto* cached = static_cast<const CachedPage*>(ledger.frames()[frame].owner());
    const bool as_file = cached->file == &object && cached->file_page == page, as_device = cached->device == &object && cached->device_page == page;
    if (cached->frame.raw() != frame.raw() || !(object.name().is_file() ? as_file : as_device))
        ledger.report.fault("a cached page lies elsewhere than it says", page, frame.raw());
    if (object.name().is_file()) return;
    ledger.enter_objects(SlabType::CachedPage);
    ledger.enter_reference(frame);
}

void enter_object(MemoryObject& object, Ledger& ledger) {
    ledger.enter_objects(SlabType::MemoryObject);
    ledger.expect_attachments(object.attachments());
    if (object.open() != nullptr) ledger.enter_objects(SlabType::FileRequest);
    if ((object.open() != nullptr) != (object.name().is_file() && (object.attachments() > 0 || object.openings > 0 || !object.reads().empty())))
        ledger.report.fault("a file is open that nobody has attached, or the other way round", object.name().device, object.name().inode);
    object.blocks().for_each([&](const PageBlock& block) {
        ledger.enter_objects(SlabType::PageBlock);
        for (unsigned place = 0; place < PageBlock::kPages; ++place)
            if (const ObjectPage page = block.get(place); page.there()) enter_object_page(object, block, place, page.frame(), ledger);
    });
}

void enter_file_request(const FileRequest& request, Ledger& ledger) {
    ledger.enter_objects(SlabType::FileRequest);
    enter_requests(request.waiting, ledger);
}

}  // namespace

void enter_request(const Request& request, Ledger& ledger) {
    if (!request.embedded()) ledger.enter_objects(SlabType::Request);
    if (const FileRequest* file = request.receipt.file; file != nullptr && (file->object == nullptr || file->surplus)) enter_file_request(*file, ledger);
    if (request.object != nullptr) enter_object(*request.object, ledger);
    if (request.cache.walking()) ledger.enter_reference(request.cache.frame);
    ledger.enter_objects(SlabType::Region, request.reserve.regions());
    ledger.enter_objects(SlabType::RunTree, request.reserve.trees());
    ledger.enter_objects(SlabType::Run, request.reserve.runs());
    for (uint64_t i = 0; i < request.frames.count; ++i)
        ledger.enter_frame(request.frames.first + i, FrameKind::Taken, "a request holds a frame that is not taken");
}

void enter_requests(const Request* chain, Ledger& ledger) {
    for (; chain != nullptr; chain = chain->next) enter_request(*chain, ledger);
}

namespace {

// Batches own the frames that they unmapped, and the request that they belong to waits for them.
void audit_batches(FrameTable frames, const FlushBatch* first, Ledger& ledger) {
    for (const FlushBatch* batch = first; batch != nullptr; batch = batch->next()) {
        ledger.enter_objects(SlabType::FlushBatch);
        if (Request* request = batch->request(); request != nullptr) {  // with the first of its batches
            if (request->audited++ == 0) enter_request(*request, ledger);
            if (request->audited == request->flushes) request->audited = 0;
        }
        batch->for_each_frame([&](const FrameInfo& info) {
            ledger.enter_frame(frames.number(info), FrameKind::Anonymous, "a batch holds a frame that is no page");
        });
        batch->for_each_replaced([&](const FrameInfo& info) { ledger.enter_reference(frames.number(info)); });
    }
}

void audit_retired(const Worker& worker, Ledger& ledger) {
    worker.reclaimer.for_each_pending([&](const RetireHook& hook) {
        switch (static_cast<Retired>(hook.deleter())) {
            case Retired::Slab: return;  // a slab like others, without a live object
            case Retired::Leaf: return enter_leaf(*owner_of<const Leaf, const RetireHook, &Leaf::retire_hook>(&hook), ledger);
            case Retired::ExitRequest: return ledger.enter_objects(SlabType::Request);
            case Retired::TrimRequest: return;  // the desk's
            case Retired::Attachment: return ledger.enter_objects(SlabType::Attachment);
            case Retired::MemoryObject: return ledger.enter_objects(SlabType::MemoryObject);
            case Retired::PageBlock: return ledger.enter_objects(SlabType::PageBlock);
        }
    });
}

}  // namespace

void audit_desks(WorkerContext& context, Ledger& ledger) {
    const FrameTable frames = context.frame_table();
    for (uint32_t cpu = 0; cpu < context.processes.cpus(); ++cpu) {
        const RequestDesk& desk = context.processes.shard(CpuId::from(cpu)).desk;
        desk.for_each_chain([&](const Request* chain) { enter_requests(chain, ledger); });
        audit_batches(frames, desk.posted, ledger);
        audit_batches(frames, desk.unposted, ledger);
        if (desk.dead_leaves != nullptr) ledger.enter_objects(SlabType::FlushBatch);
        audit_retired(context.worker.arena->workers[cpu], ledger);
    }
    context.processes.file_desk().for_each(
        context.locks(), [&](const FileRequest& request) { enter_file_request(request, ledger); },
        [&](const Request* chain) { enter_requests(chain, ledger); });
    context.processes.swap_desk().for_waiting(context.locks(), [&](const Request* chain) { enter_requests(chain, ledger); });
    Shortage& shortage = context.processes.shortage();
    Guard guard(context.locks(), shortage.lock);
    enter_requests(shortage.waiting, ledger);
}

}  // namespace shoal::vm
