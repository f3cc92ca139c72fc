// Direct memory: a device's, at the physical addresses that the region names. VM owns none of it, counts nothing, and cannot reach it; a
// fork's copy has the same, where its own privileges name it.
#pragma once

#include "servers/vm/memory/page_supply.hpp"

namespace shoal::vm {

struct DirectMemory {
    static bool obtain(PageSupply&) { return true; }
    // What is memory of ours has been refused to the caller by the kernel; once more, because everything would hang on it.
    static Touch supply(PageSupply& supply, Leaf& leaf, PageSpan region, unsigned page) {
        const FrameNumber frame = FrameNumber::of(supply.attributes.physical(supply.address));
        const FrameTable frames = supply.context.frame_table();
        if (frames.covers(frame) && frames[frame].kind() != FrameKind::Absent) return Touch::Denied;
        map_unowned(supply.context, leaf, region, page, frame, {Ownership::Device, supply.attributes.access});
        return Touch::Mapped;
    }
    static Result<PhysicalAddress> place(WorkerContext&, Space&, VirtualAddress address, RegionAttributes attributes) {
        return attributes.physical(address);
    }
    static constexpr RegionAttributes inherited(RegionAttributes attributes) { return attributes; }
};

}  // namespace shoal::vm
