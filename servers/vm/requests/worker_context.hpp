// WorkerContext: what every operation of a worker needs at hand. Made on the worker's stack, never stored.
#pragma once

#include "servers/vm/arena/arena.hpp"
#include "servers/vm/reclaim/retired.hpp"
#include "servers/vm/space/process_table.hpp"
#include "servers/vm/worker.hpp"

namespace shoal::vm {

struct WorkerContext {
    Worker& worker;
    ProcessTable& processes;
    RequestDesk& desk;
    const Finder finder;

    WorkerContext(Worker& w, ProcessTable& table) : worker(w), processes(table), desk(table.shard(w.cpu).desk), finder(w.cpu) {}

    [[nodiscard]] CpuId cpu() const { return worker.cpu; }
    [[nodiscard]] LockContext& locks() const { return worker.locks; }
    [[nodiscard]] SlabCaches& slabs() const { return worker.slabs; }
    [[nodiscard]] FrameCache& frames() const { return worker.frames; }
    // Of ProcessTable, for this worker.
    [[nodiscard]] Space* find(ProcessId process) const { return processes.find(process, finder); }
    [[nodiscard]] Space* find_shortly(ProcessId process) const { return processes.find_shortly(process, finder); }
    [[nodiscard]] Space* find_in_step(ProcessId process) const { return processes.find_in_step(process, finder); }
    [[nodiscard]] Space* find_lasting(ProcessId process) const { return processes.find_lasting(process, finder); }
    [[nodiscard]] Space* find_lasting_in_step(ProcessId process) const { return processes.find_lasting_in_step(process, finder); }
    [[nodiscard]] FrameTable frame_table() const { return worker.arena->frame_table; }
};

}  // namespace shoal::vm
