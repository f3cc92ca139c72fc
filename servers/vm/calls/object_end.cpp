#include "servers/vm/calls/object_end.hpp"

namespace shoal::vm {

// No region names the object, so no fault maps a page of it; but one that has found it before may still be looking. False: none is left.
bool ObjectEnd::free_block(WorkerContext& context, MemoryObject& object) {
    PageBlock* block = nullptr;
    {
        Guard guard(context.locks(), object.lock);
        block = object.take_block();
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
        context.worker.reclaimer.retire(object.retire_hook, deleter_of(Retired::MemoryObject));
        context.frames().flush_outgoing();
        return true;
    }
    context.desk.push_ready(request);
    return false;
}

}  // namespace shoal::vm
