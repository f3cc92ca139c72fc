#include "servers/vm/calls/space_birth.hpp"

namespace shoal::vm {

Result<Space*> create_space(WorkerContext& context, ProcessId process, CpuId home, PageCount quota,
                            Standing standing) {
    ProcessSlot* slot = context.processes.slot(process);
    if (slot == nullptr || process.generation() == 0) return Error::NoProcess;
    Space* space = TRY(context.slabs().create<Space>(process, slot->order(), context.processes.cpus(), quota));
    const Result<Request*> end = context.slabs().create<Request>(RequestKind::Exit, Receipt{}, home);
    if (!end.ok()) {
        context.slabs().destroy(space);
        return end.error();
    }
    space->standing = standing;
    space->exit_request = end.value();
    space->exit_request->process = process;
    {
        Guard guard(context.locks(), slot->lifecycle);
        if (slot->empty()) {
            // --- commit point ---
            ProcessShard& shard = context.processes.shard(home);
            slot->open(process, home, *space, context.finder);
            Guard shard_guard(guard.token(), shard.lock);
            shard.living.push_back(*slot);
            return space;
        }
    }
    context.slabs().destroy(space->exit_request);
    context.slabs().destroy(space);
    return Error::Busy;
}

}  // namespace shoal::vm
