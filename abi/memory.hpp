// Arguments of the VM calls. Values of protection and flags are POSIX's on x86-64 Linux, so that ported code compiles.
#pragma once

#include <cstdint>

#include "abi/endpoint.hpp"
#include "base/address.hpp"
#include "base/cpu.hpp"

namespace shoal {

enum Protection : uint64_t { kProtectNone = 0, kProtectRead = 1, kProtectWrite = 2, kProtectExecute = 4 };

enum MapFlags : uint64_t {
    kMapShared = 0x01,
    kMapPrivate = 0x02,
    kMapFixed = 0x10,
    kMapAnonymous = 0x20,
    kMapGrowsDown = 0x100,  // a stack: it grows to its bottom guard when touched below its lowest page
    kMapPopulate = 0x8000,
    kMapFixedNoReplace = 0x100000,
    // Memory that a device may be told of. It is there at once (with kMapPopulate), in neighbouring frames, and stays in them.
    kMapContiguous = 0x200000,
    kMapBelow16M = 0x400000,
    kMapBelow1M = 0x800000,
    kMapAligned64K = 0x1000000,
};
inline constexpr uint64_t kMostContiguousBytes = uint64_t{32} << 20;  // of one map

// In a last-level page-table entry, ignored by the CPU: the page is a device's. Set by VM; the kernel does not copy from or to it.
inline constexpr uint64_t kDevicePageBit = 1 << 11;

inline constexpr uint64_t kAdviseDontNeed = 4;

// kernel call flush / unlink. Ranges beyond kMaxRanges: set count to kFlushAll.
struct FlushRequest {
    static constexpr uint32_t kMaxRanges = 8, kFlushAll = ~0u;
    ProcessId process;
    uint32_t count;
    uint64_t cookie;          // comes back in kFlushDone
    CpuSet cpus;
    VirtualRange ranges[kMaxRanges];
};

// VM call load.
struct LoadRequest {
    static constexpr uint64_t kMaxArgumentBytes = 2048;
    ProcessId process;        // into which
    ProcessId source;         // whose space holds the image
    VirtualAddress image;
    uint64_t image_bytes;
    uint64_t argument_count;  // strings in `arguments`, each ended by NUL, argv[0] first
    uint64_t argument_bytes;
    char arguments[kMaxArgumentBytes];
};

enum InfoKind : uint64_t { kInfoStats = 1, kInfoUsage = 2, kInfoRegions = 3 };

struct VmStats {
    uint64_t total_pages, free_pages, arena_pages, table_pages, lent_pages;
    uint64_t faults, maps, unmaps, flushes_local, flushes_remote;
    uint64_t slab_objects_in_use;
};

enum class RegionType : uint32_t { Anonymous, Contiguous, Direct, Shared, Cache, File };
enum RegionFlags : uint32_t { kRegionGrowsDown = 1 << 0, kRegionHeap = 1 << 1, kRegionImage = 1 << 2, kRegionPreallocated = 1 << 3 };

// One mapping, or what part of one is alike.
struct VmRegion {
    static constexpr uint64_t kMostAtOnce = 64;
    VirtualRange range;
    uint64_t protection;     // Protection
    RegionType type;
    uint32_t flags;          // RegionFlags
};

// VM calls of the page cache: pages of one call; flags of setcachepage, in the upper half of its word of pages.
inline constexpr uint64_t kMostCachePages = 256;
enum CacheFlags : uint32_t { kCacheOnce = 1 };  // for whoever maps it first, and then no longer cached

// What VM wants of the file server (vfs_wait). The low half of a word; the high half: pages, of a read.
enum class FileWork : uint32_t {
    None,
    Lookup,  // which file is a process' descriptor? Whoever maps it holds it open by the handle that the answer gives
    Read,    // bring pages of a file into the page cache (setcachepage)
    Close,   // a handle is no longer used. Not answered
};

// VM call vfs_mmap.
struct FileMapRequest {
    ProcessId process;        // whose space
    uint32_t clear_bytes;     // at the end of the last page, which are zeros there: less than a page
    VirtualAddress address;
    uint64_t bytes;
    uint64_t protection;      // Protection
    uint64_t handle;          // the file server's own name of the open file
    uint64_t device, inode;
    uint64_t offset;          // in bytes, of a whole page
};

// VM call query_exit: flags, and what has become of a process.
enum QueryExitFlags : uint64_t { kQueryExitWait = 1 };
enum class ExitNotice : uint64_t { None, Signal, Ended };

// VM calls rs_update and rs_prepare.
enum UpdateFlags : uint64_t {
    kUpdateRollback = 1,  // undoes an update
    kUpdateNoMaps = 2,    // the new instance gets nothing of what the old one has mapped
};

// VM call rs_memctl.
enum MemoryControl : uint64_t {
    kMemoryPin = 0,
    kMemoryMakeVm = 1,
    kMemoryExtendHeap = 2,
    kMemoryMap = 3,
    kMemoryFindMap = 4,
};

// VM call procctl.
enum ProcessControl : uint64_t { kProcessClear = 1, kProcessTouch = 2 };

struct VmUsage {
    uint64_t virtual_pages, resident_pages, quota_pages, charged_pages, regions, leaves;
    uint64_t peak_pages, minor_faults, major_faults;  // as getrusage tells them
};

}  // namespace shoal
