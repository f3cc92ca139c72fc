// Scenario: one call in one state. The call is made again and again, in a world of its own each time, with memory refused to it in
// another place.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/model/failure/world.hpp"

namespace shoal::model {

// What the call may leave behind where it has failed.
enum class Leaves : uint8_t {
    AllAsItWas,
    PagesPresent,    // pages of mappings, with what they held before, that the quota pays for
    OtherForExit,    // the process `other` is good for exit only
    CachedPages,     // in the cache, and what is known of them
    FewerLoans,      // mappings by a grant that is being taken back
    OtherAlone,      // the process `other` goes on by itself meanwhile, and is not looked at
};

// How it may fail for want of memory.
enum class Fails : uint8_t {
    WithNoMemory,
    WithoutStocks,  // it gives memory back, or needs none: only where even the worker's stocks are all in use
    Never,
};

struct Scenario {
    std::string name;
    std::optional<VmCall> call;  // none: a page fault, or what the kernel asks for
    std::function<void(World&)> set_up;
    std::function<Error(World&)> attempt;
    Leaves leaves = Leaves::AllAsItWas;
    Fails fails = Fails::WithNoMemory;
    uint32_t cpus = 2;
    // After a failure that may leave something half done: takes it back. What is wrong with it, or nothing.
    std::function<std::string(World&)> take_back{};
};

using Scenarios = std::vector<Scenario>;

// The table, in parts.
Scenarios mapping_scenarios();   // mmap, munmap, brk, mprotect, madvise
Scenarios fault_scenarios();
Scenarios process_scenarios();   // create, load, share, fork, exit, procctl, info, audit, rs_update, rs_prepare, rs_memctl
Scenarios notice_scenarios();    // willexit, watch_exit, query_exit, notify_sig, getrusage, rs_set_priv
Scenarios physical_scenarios();  // map_phys, unmap_phys, getphys, adddma, deldma, getdma
Scenarios shared_scenarios();    // remap, remap_ro, shm_unmap, getref
Scenarios cache_scenarios();     // setcachepage, mapcachepage, forgetcachepage, clearcache
Scenarios joint_scenarios();     // safemap, safeunmap, saferevmap, copies by grants
Scenarios file_scenarios();      // mmap_file, vfs_mmap, vfs_wait, vfs_reply

}  // namespace shoal::model
