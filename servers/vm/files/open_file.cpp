#include "servers/vm/files/open_file.hpp"

#include "servers/vm/calls/object_end.hpp"

namespace shoal::vm {

Result<bool> open_file(WorkerContext& context, FileRequest& lookup) {
    if (context.processes.named_objects().find_open(lookup.name) != nullptr) {
        lookup.surplus = true;
        return true;
    }
    lookup.object = TRY(use_object(context, lookup.name));
    // --- commit point ---
    MemoryObject& object = *lookup.object;
    Guard guard(context.locks(), object.lock);
    lookup.surplus = object.open() != nullptr;
    if (!lookup.surplus) object.set_open(&lookup);
    ++object.openings;
    return lookup.surplus;
}

void close_file(WorkerContext& context, FileRequest& file) {
    file.work = FileWork::Close;
    file.object = nullptr;
    context.processes.file_desk().add(context, file);
}

void end_opening(WorkerContext& context, FileRequest& lookup) {
    MemoryObject* object = lookup.object;
    if (object == nullptr) return context.slabs().destroy(&lookup);  // it has failed, or names a file that was open
    const bool surplus = lookup.surplus;
    FileRequest* last = nullptr;
    Request* end = nullptr;
    {
        Guard guard(context.locks(), object->lock);
        --object->openings;
        last = object->take_open_if_unused();
        end = object->release();
    }
    if (surplus) context.slabs().destroy(&lookup);
    if (last != nullptr) close_file(context, *last);
    begin_end(context, end);
}

}  // namespace shoal::vm
