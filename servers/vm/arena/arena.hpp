// The arena: all dynamic state of VM, at fixed addresses in the window. It starts with this header, from which everything
// else is reached. No pointer leaves the arena, and none to code or constants lies in it; so a copy of its frames, mapped at
// the same address, is a VM that goes on where the first one stopped.
//
// The header is the last frame of the largest memory range that VM owns, and what is permanent lies below it: a new instance
// finds it from BootInfo alone, and boot modules, which lie low, are out of the way.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/result.hpp"
#include "servers/vm/frames/frame_table.hpp"

namespace shoal::vm {

class FramePool;
class Worker;
class ProcessTable;

// From what an arena is made. Ranges ascend and do not overlap.
struct ArenaPlan {
    const FrameRange* memory;  // frames that VM owns
    uint32_t memory_ranges;
    const FrameRange*
        kept;  // of these, what is in use already (boot modules); frames.free_range() gives it back
    uint32_t kept_ranges;
    uint32_t cpus;  // 1..kMaxCpus
    uint32_t process_slots;
};

struct ArenaHeader {
    static constexpr uint64_t kMagic = 0x414e4552414d5653;  // "SVMARENA"
    // Raised with every change of what lies in the arena; a debug build's layout differs from a release build's.
    static constexpr uint32_t kLayoutVersion = 11;
#ifdef NDEBUG
    static constexpr uint32_t kLayout = kLayoutVersion << 1;
#else
    static constexpr uint32_t kLayout = kLayoutVersion << 1 | 1;
#endif

    uint64_t magic;
    uint32_t layout;
    uint32_t cpus;
    uint32_t process_slots;
    uint32_t worker_bytes;     // sizeof(Worker): a second guard beside the version
    uint64_t permanent_pages;  // taken at format for header, tables and workers
    FrameTable frame_table;
    FramePool* frame_pool;
    Worker* workers;          // [cpus]
    ProcessTable* processes;  // made by the address-space part from permanent memory
};
static_assert(sizeof(ArenaHeader) <= kPageSize);

class Arena {
  public:
    // Lays out a fresh arena: header, frame table, frame pool, workers; all frames but kept and permanent ones are free
    // afterwards. permanent_extra: bytes that the caller wants for tables of its own, at `extra` of the result.
    // Errors: Invalid (no range, CPUs out of bounds), NoMemory (the largest range cannot hold the tables beside kept frames).
    struct Formatted {
        ArenaHeader* header;
        void* extra;  // page-aligned, zeroed
    };
    static Result<Formatted> format(const ArenaPlan& plan, uint64_t permanent_extra = 0);

    // Finds the arena that an earlier instance left. Errors: NoEntry (none there), Invalid (another layout).
    static Result<ArenaHeader*> attach(const FrameRange* memory, uint32_t memory_ranges);

    // Where the header lies, given VM's memory.
    static FrameNumber header_frame(const FrameRange* memory, uint32_t memory_ranges);

  private:
    static void describe_frames(const ArenaPlan& plan, FrameTable table, FrameRange permanent);
    static void free_the_rest(const ArenaPlan& plan, FrameTable table, FramePool& pool);
};

}  // namespace shoal::vm
