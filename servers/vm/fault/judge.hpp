// judge: whether what a lookup has found at an address serves an access.
#pragma once

#include "servers/vm/fault/touched.hpp"
#include "servers/vm/space/segment.hpp"

namespace shoal::vm {

// Why not; Raced: it does.
inline Touch judge(const RegionView& view, VirtualAddress address, Access needed) {
    if (view.outcome != Lookup::Found || !view.attributes.mapped()) [[unlikely]] return Touch::NoRegion;
    if (!view.attributes.access.allows(needed)) [[unlikely]] return Touch::Denied;
    const bool stack = view.attributes.traits == RegionTraits::GrowsDown;
    if (stack && address < view.range.start + kPageSize) [[unlikely]] return Touch::Denied;
    return Touch::Raced;
}

}  // namespace shoal::vm
