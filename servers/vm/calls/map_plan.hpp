// MapPlan: what a call wants to map, decoded.
#pragma once

#include "abi/memory.hpp"
#include "servers/vm/space/region.hpp"

namespace shoal::vm {

struct MapPlan {
    static constexpr uint64_t kExact = kMapFixed | kMapFixedNoReplace;

    VirtualRange wanted;  // whole pages; the start: a hint, or exact
    uint64_t flags;       // MapFlags
    RegionAttributes attributes;

    // What all maps have in common; the flags that are known are the caller's to check. Errors: Invalid, NoMemory (beyond user space).
    static Result<MapPlan> decode(VirtualAddress address, uint64_t bytes, uint64_t protection, uint64_t flags);
};

}  // namespace shoal::vm
