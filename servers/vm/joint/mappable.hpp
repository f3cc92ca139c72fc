// Mappable: what map_memory takes pages from, and puts them over: anonymous memory.
#pragma once

#include "servers/vm/calls/detach.hpp"

namespace shoal::vm {

// Errors: BadAddress (nothing is mapped there), Invalid (other memory: it stays where it is, or is an object's).
inline Result<void> check_mappable(RegionAttributes attributes) {
    if (!attributes.mapped()) return Error::BadAddress;
    if (attributes.type != MemoryType::Anonymous) return Error::Invalid;
    return {};
}

// Of every page of a range. BadAddress: a stack's guard, too.
inline Result<void> check_mappable(WorkerContext& context, Space& space, VirtualRange range) {
    Error error = Error::None;
    const bool all = for_all_parts(context, space, range, [&](const Segment& regions, VirtualRange part) {
        if (!regions.mapped(part)) return false;
        for (const Region* r = regions.first_in(part); r != nullptr && r->start() < part.end; r = regions.regions().next(*r)) {
            const RegionAttributes attributes = r->attributes();
            if (error == Error::None) error = check_mappable(attributes).error();
            if (attributes.traits == RegionTraits::GrowsDown && part.start <= r->start()) return false;
        }
        return true;
    });
    return Result<void>{all ? error : Error::BadAddress};
}

}  // namespace shoal::vm
