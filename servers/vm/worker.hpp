// Worker: what one CPU's VM worker owns. All of it lies in the arena; other CPUs write only the inboxes inside, and read
// the epoch and the counters.
//
// Between two requests a worker calls reclaimer.poll(), and frames.flush_outgoing() and slabs.flush_outgoing() after
// requests that freed much.
#pragma once

#include "abi/worker_epoch.hpp"
#include "base/cpu.hpp"
#include "base/lock/lock_context.hpp"
#include "servers/vm/frames/frame_cache.hpp"
#include "servers/vm/reclaim/reclaimer.hpp"
#include "servers/vm/slab/slab_caches.hpp"
#include "servers/vm/worker_statistics.hpp"

namespace shoal::vm {

struct ArenaHeader;

class alignas(kPageSize) Worker {
  public:
    // What a worker needs beside itself; permanent arrays of one element a CPU.
    struct Tables {
        FrameCache::Batch* outgoing_frames;
        SlabCaches::Batch* outgoing_objects;
        uint64_t* noted_epochs;
    };
    // workers: of CPU 0; this object is workers[cpu].
    Worker(ArenaHeader& header, Worker* workers, CpuId which, uint32_t cpus, FramePool& pool,
           const Tables& tables)
        : arena(&header),
          cpu(which),
          locks(which),
          frames(which, pool, tables.outgoing_frames, cpus),
          slabs(which, frames, reclaimer, tables.outgoing_objects, cpus),
          reclaimer(which, cpus, &workers->epoch, sizeof(Worker), tables.noted_epochs) {
        frames.set_peers(&workers->frames, sizeof(Worker));
        slabs.set_peers(&workers->slabs, sizeof(Worker));
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    ArenaHeader* const arena;
    const CpuId cpu;
    LockContext locks;
    FrameCache frames;
    SlabCaches slabs;
    Reclaimer reclaimer;
    WorkerStatistics statistics;
    alignas(kCacheLine)
        WorkerEpoch epoch;  // written by the kernel on this CPU, read by all when they reclaim
};

}  // namespace shoal::vm
