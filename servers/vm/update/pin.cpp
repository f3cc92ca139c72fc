#include "servers/vm/update/pin.hpp"

#include "servers/vm/calls/detach.hpp"
#include "servers/vm/calls/touch_operation.hpp"

namespace shoal::vm {

namespace {

struct Pinnable {
    VirtualRange range;  // empty: nothing is left
    Access access;
};

Pinnable part_to_pin(const Region& region, VirtualRange piece) {
    const RegionAttributes attributes = region.attributes();
    VirtualRange range = region.range();
    if (!attributes.mapped() || attributes.access.is_none()) return {};
    if (attributes.traits == RegionTraits::GrowsDown) range.start = range.start + kPageSize;  // the guard
    return {range.intersect(piece), attributes.access};
}

Pinnable first_to_pin(const Segment& regions, VirtualRange piece) {
    Pinnable found{};
    for (const Region* region = regions.first_in(piece); region != nullptr && region->start() < piece.end && found.range.empty();
         region = regions.regions().next(*region))
        found = part_to_pin(*region, piece);
    return found;
}

Pinnable next_to_pin(WorkerContext& context, Space& space, VirtualAddress from) {
    Pinnable found{};
    if (from >= AddressLayout::kTop) return found;
    space.for_each_segment({from, AddressLayout::kTop}, [&](Segment& segment) {
        if (!found.range.empty()) return;
        const VirtualRange part = segment.range().intersect({from, AddressLayout::kTop});
        (void)for_all_parts(context, space, part, [&](const Segment& regions, VirtualRange piece) {
            found = first_to_pin(regions, piece);
            return found.range.empty();
        });
    });
    return found;
}

}  // namespace

Error pin_step(WorkerContext& context, Space& space, Request& request) {
    RangeProgress& progress = request.range;
    if (progress.cursor >= progress.range.end) {
        const Pinnable next = next_to_pin(context, space, progress.cursor);
        if (next.range.empty()) return Error::None;
        progress.range = next.range;
        progress.cursor = next.range.start;
        progress.access = next.access;
    }
    const Error error = TouchOperation::step_over(context, space, request);
    return error == Error::None ? Error::Again : error;  // to the next region
}

}  // namespace shoal::vm
