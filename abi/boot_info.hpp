// What the kernel hands VM at boot: one page, mapped read-only at kBootInfoAddress in VM's space.
#pragma once

#include <cstdint>

#include "base/address.hpp"

namespace shoal {

// VM's space. Below: its image. The window maps every frame that VM owns, at kWindowBase + physical address, with the
// largest pages that fit; frames of the kernel are holes in it. Built once at boot, never changed but for lent areas.
inline constexpr uint64_t kWindowBase = 0x2000'0000'0000;  // 32 TiB; at most 32 TiB of physical addresses
inline constexpr uint64_t kBootInfoAddress = 0x1000'0000'0000;

struct BootModule {
    char name[24];           // first word of the module's command line
    PhysicalAddress start;   // page-aligned
    uint64_t bytes;
};

struct BootInfo {
    static constexpr uint64_t kMagic = 0x4f464e4c414f4853;
    static constexpr unsigned kMaxModules = 32, kMaxRanges = 64;

    uint64_t magic;
    uint32_t cpus;           // that run
    uint32_t process_slots;  // of the kernel's tables; VM sizes its own alike
    uint32_t thread_slots;
    uint32_t modules;
    uint32_t ranges;
    uint32_t features;       // BootFeatures
    FrameRange memory[kMaxRanges];       // frames that VM owns from now on, ascending; module frames are in it
    BootModule module[kMaxModules];
    char command_line[512];
};
static_assert(sizeof(BootInfo) <= kPageSize);

enum BootFeatures : uint32_t {
    kFeaturePcid = 1 << 0,
    kFeatureGiantPages = 1 << 1,
};

// RS owns the boot image: VM maps every module but its own and RS' into RS' space as ordinary memory of RS, and this table of
// them, one page, at kBootImageAddress.
inline constexpr uint64_t kBootImageAddress = 0x7000'0000;

struct BootImage {
    struct Entry {
        char name[24];
        VirtualAddress start;
        uint64_t bytes;
    };
    uint32_t count;
    uint32_t cpus;
    Entry entry[BootInfo::kMaxModules];
    char command_line[512];
};
static_assert(sizeof(BootImage) <= kPageSize);

}  // namespace shoal
