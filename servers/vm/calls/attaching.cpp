#include "servers/vm/calls/attaching.hpp"

#include "servers/vm/calls/segment_hold.hpp"

namespace shoal::vm {

namespace {

// Unlike any other object's: the worker's own number, and how many it has made.
uint64_t next_identity(WorkerContext& context) {
    constexpr unsigned kCpuShift = 48;
    return uint64_t{context.cpu().raw()} << kCpuShift | ++context.processes.shard(context.cpu()).objects_made;
}

// Charged for the object, with what it takes reserved.
Attachment* add(WorkerContext& context, Space& space, MemoryObject& object, uint64_t first_page, PageCount pages, Ownership lending) {
    Attachment* attachment = context.slabs().create_reserved<Attachment>(object, first_page, pages, lending);
    space.attachments.add(context.locks(), *attachment);
    return attachment;
}

// Out of the list already.
void detach(WorkerContext& context, Space& space, Attachment& attachment) {
    MemoryObject& object = attachment.object();
    space.quota.refund(context.locks(), object.pages());
    Request* end = nullptr;
    {
        Guard guard(context.locks(), object.lock);
        end = object.detach();
    }
    context.worker.reclaimer.retire(attachment.retire_hook, deleter_of(Retired::Attachment));
    if (end == nullptr) return;
    end->owner = end->answerer = context.cpu();
    context.desk.push_ready(*end);
}

// Whether a region names it, or may have until its unmapping ends.
bool in_use(WorkerContext& context, Space& space, const Attachment& attachment) {
    bool found = false;
    space.for_each_segment(attachment.range(), [&](Segment& segment) {
        if (found) return;
        SegmentHold held(context, space, segment);
        const VirtualRange part = attachment.range().intersect(segment.range());
        for (const Region* r = segment.first_in(part); r != nullptr && r->start() < part.end && !found; r = segment.regions().next(*r))
            found = r->attributes().attachment() == &attachment || r->attributes().work == RegionWork::Unmapping;
    });
    return found;
}

}  // namespace

Result<Attachment*> attach_new(WorkerContext& context, Space& space, PageCount pages) {
    TRY(context.slabs().ensure<MemoryObject>(1));
    TRY(context.slabs().ensure<Attachment>(1));
    TRY(context.slabs().ensure<Request>(1));
    TRY(space.quota.charge(context.locks(), context.slabs(), pages));
    // --- commit point ---
    Request* end = context.slabs().create_reserved<Request>(RequestKind::ObjectEnd, Receipt{}, context.cpu());
    MemoryObject* object = context.slabs().create_reserved<MemoryObject>(pages, next_identity(context), *end);
    end->object = object;
    return add(context, space, *object, 0, pages, Ownership::Borrowed);
}

Result<Attachment*> attach(WorkerContext& context, Space& space, MemoryObject& object, uint64_t first_page, PageCount pages, Ownership lending) {
    TRY(context.slabs().ensure<Attachment>(1));
    TRY(space.quota.charge(context.locks(), context.slabs(), object.pages()));
    bool attached = false;
    {
        Guard guard(context.locks(), object.lock);
        attached = object.attach();
    }
    if (!attached) {
        space.quota.refund(context.locks(), object.pages());
        return Error::NoEntry;
    }
    // --- commit point ---
    return add(context, space, object, first_page, pages, lending);
}

Result<Attachment*> attach_alike(WorkerContext& context, Space& copy, const Attachment& attachment) {
    if (Attachment* there = copy.attachments.find_like(context.locks(), attachment)) return there;
    const PageCount pages{attachment.range().size() >> kPageShift};
    Attachment* made = TRY(attach(context, copy, attachment.object(), attachment.first_page(), pages, attachment.lending()));
    copy.attachments.place(context.locks(), *made, attachment.range().start);
    return made;
}

void settle_attachment(WorkerContext& context, Space& space, Attachment& attachment) {
    space.attachments.settle(context.locks(), attachment);
    // Others may have unmapped it before it counted.
    if (!in_use(context, space, attachment)) abandon(context, space, attachment);
}

void abandon(WorkerContext& context, Space& space, Attachment& attachment) {
    if (space.attachments.take(context.locks(), attachment)) detach(context, space, attachment);
}

void sweep(WorkerContext& context, Space& space, VirtualRange range) {
    constexpr size_t kAtOnce = 16;
    Attachment* found[kAtOnce];
    for (size_t kept = 0;;) {
        const size_t count = space.attachments.collect(context.locks(), range, kept, found);
        for (size_t i = 0; i < count; ++i) {
            if (in_use(context, space, *found[i])) ++kept;
            else abandon(context, space, *found[i]);
        }
        if (count < kAtOnce) return;
    }
}

void detach_all(WorkerContext& context, Space& space) {
    while (Attachment* attachment = space.attachments.take_any(context.locks())) detach(context, space, *attachment);
}

}  // namespace shoal::vm
