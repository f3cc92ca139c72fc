// What all CPUs share of the spaces: a line per space, and each CPU's CpuSpaces.
#pragma once

#include <span>

#include "kernel/core/space/atomic_cpu_set.hpp"
#include "kernel/core/space/space_slot.hpp"
#include "kernel/core/space/table_pool.hpp"

namespace shoal::kernel::space {

struct CpuSpaces;

// Written when a CPU makes its root of the space and when the space dies; never by a fault in a leaf that is linked.
struct alignas(kCacheLine) SharedSpace {
    AtomicCpuSet holders;               // CPUs that have a root; each adds and removes itself
    std::atomic<uint32_t> closed{0};    // ProcessId for which no CPU may make a root any more
};

struct SharedSpaces {
    TablePool& pool;
    std::span<SharedSpace> spaces;      // by SpaceSlot
    std::span<CpuSpaces> cpus;          // by CpuId

    [[nodiscard]] bool has(SpaceSlot slot) const { return slot.raw() < spaces.size(); }
    SharedSpace& of(SpaceSlot slot) { return spaces[slot.raw()]; }
    inline CpuSpaces& on(CpuId cpu);
};

}  // namespace shoal::kernel::space
