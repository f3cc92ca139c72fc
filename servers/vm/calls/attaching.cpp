#include "servers/vm/calls/attaching.hpp"

#include "servers/vm/calls/object_end.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/files/open_file.hpp"

namespace shoal::vm {

namespace {

// Out of the list already.
void detach(WorkerContext& context, Space& space, Attachment& attachment) {
    MemoryObject& object = attachment.object();
    space.quota.refund(context.locks(), object.pages());
    Request* end = nullptr;
    FileRequest* open = nullptr;
    {
        Guard guard(context.locks(), object.lock);
        object.remove(attachment);
        open = object.take_open_if_unused();
        end = object.release();
    }
    context.worker.reclaimer.retire(attachment.retire_hook, deleter_of(Retired::Attachment));
    if (open != nullptr) close_file(context, *open);
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
    Attachment* attachment = context.slabs().create_reserved<Attachment>(*object, space.order(), AttachedPart{0, pages, Ownership::Borrowed, 0});
    {
        Guard guard(context.locks(), object->lock);
        object->add(*attachment);
    }
    space.attachments.add(context.locks(), *attachment);
    return attachment;
}

namespace {

// Another attachment has the object, or it is a file that is open.
bool join(WorkerContext& context, MemoryObject& object, Attachment& attachment) {
    Guard guard(context.locks(), object.lock);
    const bool held = object.name().is_file() ? object.open() != nullptr : object.attachments() > 0;
    if (!held || !object.use()) return false;
    object.add(attachment);
    return true;
}

}  // namespace

Result<Attachment*> attach(WorkerContext& context, Space& space, MemoryObject& object, const AttachedPart& part) {
    TRY(context.slabs().ensure<Attachment>(1));
    TRY(space.quota.charge(context.locks(), context.slabs(), object.pages()));
    Attachment* attachment = context.slabs().create_reserved<Attachment>(object, space.order(), part);
    if (!join(context, object, *attachment)) {
        context.slabs().destroy(attachment);  // nobody has seen it
        space.quota.refund(context.locks(), object.pages());
        return Error::NoEntry;
    }
    // --- commit point ---
    space.attachments.add(context.locks(), *attachment);
    return attachment;
}

Result<Attachment*> attach_named(WorkerContext& context, Space& space, ObjectName name, const AttachedPart& part) {
    MemoryObject* object = context.processes.named_objects().find_open(name);
    if (object == nullptr) return Error::NoEntry;
    return attach(context, space, *object, part);
}

Result<Attachment*> attach_opened(WorkerContext& context, Space& space, const AttachedPart& part, Opening& opening) {
    Attachment* attachment = TRY(context.slabs().create<Attachment>(*opening->object, space.order(), part));
    // --- commit point ---
    FileRequest& lookup = opening.pass_on();
    const bool surplus = lookup.surplus;
    MemoryObject& object = attachment->object();
    {
        Guard guard(context.locks(), object.lock);
        object.add(*attachment);  // its use is the lookup's
        --object.openings;
    }
    if (surplus) context.slabs().destroy(&lookup);
    space.attachments.add(context.locks(), *attachment);
    return attachment;
}

void attach_by(WorkerContext& context, Space& space, Attachment& attachment, FileRequest& file) {
    MemoryObject& object = attachment.object();
    bool surplus = false;
    {
        Guard guard(context.locks(), object.lock);
        (void)object.use();  // the caller does, so it is not ending
        object.add(attachment);
        surplus = object.open() != nullptr;
        if (!surplus) object.set_open(&file);
    }
    if (surplus) close_file(context, file);
    space.attachments.add(context.locks(), attachment);
}

Result<Attachment*> attach_alike(WorkerContext& context, Space& copy, const Attachment& attachment) {
    if (Attachment* there = copy.attachments.find_copy(context.locks(), attachment)) return there;
    Attachment* made = TRY(attach(context, copy, attachment.object(), attachment.part()));
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
    bool first = true, dropped = false;
    for (size_t kept = 0;;) {
        const size_t count = space.attachments.collect(context.locks(), range, kept, found);
        for (size_t i = 0; i < count; ++i) {
            const bool used = in_use(context, space, *found[i]);
            if (used) ++kept;
            else abandon(context, space, *found[i]);
            dropped = dropped || !used;
        }
        // What others have dropped meanwhile has made us pass over some, unless we have seen all of them at once.
        if (count < kAtOnce && (first || !dropped)) return;
        first = false;
        if (count < kAtOnce) kept = 0, dropped = false;
    }
}

bool detach_some(WorkerContext& context, Space& space, unsigned most) {
    for (unsigned i = 0; i < most; ++i) {
        Attachment* attachment = space.attachments.take_any(context.locks());
        if (attachment == nullptr) return true;
        detach(context, space, *attachment);
    }
    return false;
}

}  // namespace shoal::vm
