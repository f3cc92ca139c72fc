#include "servers/vm/calls/object_end.hpp"

namespace shoal::vm {

namespace {

// Unlike any other object's: the worker's own number, and how many it has made.
uint64_t next_identity(WorkerContext& context) {
    constexpr unsigned kCpuShift = 48;
    return uint64_t{context.cpu().raw()} << kCpuShift | ++context.processes.shard(context.cpu()).objects_made;
}

template <typename What>
MemoryObject* make(WorkerContext& context, What what) {
    Request* end = context.slabs().create_reserved<Request>(RequestKind::ObjectEnd, Receipt{}, context.cpu());
    MemoryObject* object = context.slabs().create_reserved<MemoryObject>(what, next_identity(context), *end);
    end->object = object;
    return object;
}

}  // namespace

MemoryObject* make_object(WorkerContext& context, PageCount pages) { return make(context, pages); }

Result<MemoryObject*> use_object(WorkerContext& context, ObjectName name) {
    NamedObjects& names = context.processes.named_objects();
    if (MemoryObject* there = names.use(context.locks(), name)) return there;
    TRY(context.slabs().ensure<MemoryObject>(1));
    TRY(context.slabs().ensure<Request>(1));
    MemoryObject* mine = make(context, name);
    MemoryObject* there = names.insert(context.locks(), *mine);
    if (there == mine) return there;
    context.slabs().destroy(mine->release());  // nobody has seen it
    context.slabs().destroy(mine);
    return there;
}

void release_object(WorkerContext& context, MemoryObject& object) {
    Request* end = nullptr;
    {
        Guard guard(context.locks(), object.lock);
        end = object.release();
    }
    begin_end(context, end);
}

void begin_end(WorkerContext& context, Request* end) {
    if (end == nullptr) return;
    end->owner = end->answerer = context.cpu();
    context.desk.push_ready(*end);
}

// No region names the object, so no fault maps a page of it; but one that has found it before may still be looking. False: none is left.
bool ObjectEnd::free_block(WorkerContext& context, MemoryObject& object) {
    PageBlock* block = nullptr;
    {
        Guard guard(context.locks(), object.lock);
        block = object.blocks().pop_front();
    }
    if (block == nullptr) return false;
    context.processes.page_index().remove(context.locks(), *block);
    for (unsigned place = 0; place < PageBlock::kPages; ++place) {
        const ObjectPage page = block->get(place);
        if (!page.there()) continue;
        FrameInfo& info = context.frame_table()[page.frame()];
        info.set_owner(nullptr);
        if (info.release() == Released::Last) context.frames().free(page.frame());
    }
    context.worker.reclaimer.retire(block->retire_hook, deleter_of(Retired::PageBlock));
    return true;
}

bool ObjectEnd::proceed(WorkerContext& context, Request& request) {
    MemoryObject& object = *request.object;
    for (unsigned done = 0; done < kBlocksPerStep; ++done) {
        if (free_block(context, object)) continue;
        if (object.named()) context.processes.named_objects().remove(context.locks(), object);
        context.worker.reclaimer.retire(object.retire_hook, deleter_of(Retired::MemoryObject));
        context.frames().flush_outgoing();
        return true;
    }
    context.desk.push_more(request);
    return false;
}

}  // namespace shoal::vm
