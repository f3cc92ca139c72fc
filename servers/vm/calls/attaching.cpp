#include "servers/vm/calls/attaching.hpp"

#include "servers/vm/calls/object_end.hpp"
#include "servers/vm/calls/segment_hold.hpp"

namespace shoal::vm {

namespace {

// Charged for the object, and in use of it, with what it takes reserved.
Attachment* add(WorkerContext& context, Space& space, MemoryObject& object, uint64_t first_page, PageCount pages, Ownership lending) {
    Attachment* attachment = context.slabs().create_reserved<Attachment>(object, space.process(), first_page, pages, lending);
    {
        Guard guard(context.locks(), object.lock);
        object.add(*attachment);
    }
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
        object.remove(attachment);
        end = object.release();
    }
    context.worker.reclaimer.retire(attachment.retire_hook, deleter_of(Retired::Attachment));
    begin_end(context, end);
}

// Whether a region names it, or may have, and its pages are still being unmapped.
bool in_use(WorkerContext& context, Space& space, const Attachment& attachment) {
    bool found = false;
    if (!attachment.placed()) return false;
    space.for_each_segment(attachment.range(), [&](Segment& segment) {
        if (found) return;
        SegmentHold held(context, space, segment);
        const VirtualRange part = attachment.range().intersect(segment.range());
        for (const Region* r = segment.first_in(part); r != nullptr && r->start() < part.end && !found; r = segment.regions().next(*r))
            found = r->attributes().attachment() == &attachment || r->attributes().going();
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
    MemoryObject* object = make_object(context, pages);
    return add(context, space, *object, 0, pages, Ownership::Borrowed);
}

Result<Attachment*> attach(WorkerContext& context, Space& space, MemoryObject& object, uint64_t first_page, PageCount pages, Ownership lending) {
    TRY(context.slabs().ensure<Attachment>(1));
    TRY(space.quota.charge(context.locks(), context.slabs(), object.pages()));
    bool attached = false;
    {
        Guard guard(context.locks(), object.lock);
        attached = object.use();
    }
    if (!attached) {
        space.quota.refund(context.locks(), object.pages());
        return Error::NoEntry;
    }
    // --- commit point ---
    return add(context, space, object, first_page, pages, lending);
}

Result<Attachment*> attach_alike(WorkerContext& context, Space& copy, const Attachment& attachment) {
    if (Attachment* there = copy.attachments.find_copy(context.locks(), attachment)) return there;
    const PageCount pages{attachment.range().size() >> kPageShift};
    Attachment* made = TRY(attach(context, copy, attachment.object(), attachment.first_page(), pages, attachment.lending()));
    copy.attachments.place(context.locks(), *made, attachment.range().start);
    copy.attachments.mark_copy(context.locks(), *made);
    return made;
}

void settle_copies(WorkerContext& context, Space& copy) {
    while (Attachment* attachment = copy.attachments.find_arriving_copy(context.locks())) settle_attachment(context, copy, *attachment);
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
