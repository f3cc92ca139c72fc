// map_phys, unmap_phys and getphys: memory by its physical address.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/detach.hpp"
#include "servers/vm/calls/placement.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/memory/memory_types.hpp"
#include "servers/vm/platform/platform.hpp"

namespace shoal::vm {

namespace {

struct DevicePages {
    PhysicalAddress start;  // of the first page
    uint64_t bytes;         // whole pages
};

// The pages that some bytes lie in. Invalid: none, or the end of all addresses is passed.
Result<DevicePages> pages_over(PhysicalAddress start, uint64_t bytes) {
    constexpr uint64_t kInPage = kPageSize - 1, kMost = ~uint64_t{0} - kInPage;
    if (bytes == 0 || start.raw() > kMost || bytes > kMost - start.raw()) return Error::Invalid;
    const uint64_t first = start.raw() & ~kInPage, end = (start.raw() + bytes + kInPage) & ~kInPage;
    return DevicePages{PhysicalAddress{first}, end - first};
}

}  // namespace

Result<VirtualAddress> CallHandlers::map_phys(const vm_calls::MapPhysArguments& arguments) {
    Space& space = *TRY(caller());
    if (arguments.process.raw() != 0 && arguments.process != process_) return Error::Permission;
    const Access access = TRY(Access::decode(arguments.protection));
    const DevicePages pages = TRY(pages_over(arguments.physical, arguments.bytes));
    TRY(platform::may_map(process_, pages.start, pages.bytes));
    context_.worker.statistics.maps.add();
    const RegionAttributes direct{access, RegionTraits::None, RegionWork::None, MemoryType::Direct, pages.start.raw()};
    const VirtualAddress start = TRY(place_anywhere(context_, space, pages.bytes, direct));
    return start + (arguments.physical.raw() - pages.start.raw());
}

Result<VirtualRange> CallHandlers::mapping_at(Space& space, VirtualAddress address, MemoryType type) {
    Segment* segment = address.in_user_space() ? space.find_segment(address) : nullptr;
    if (segment == nullptr) return Error::BadAddress;
    SegmentHold held(context_, space, *segment);
    const RegionView view = segment->view_locked(address);
    const bool found = view.outcome == Lookup::Found && view.attributes.mapped() && view.attributes.type == type;
    if (!found || view.range.start != address.page_down()) return Error::BadAddress;
    const Region* before = segment->first_in({address.page_down() - kPageSize, address.page_down()});
    const bool goes_on = before != nullptr && before->end() == view.range.start && before->attributes().type == type &&
                         before->attributes().backing == view.attributes.backing;
    if (goes_on) return Error::BadAddress;
    VirtualRange range = view.range;
    for (const Region* next = segment->first_in({range.end, segment->range().end}); next != nullptr && next->start() == range.end;
         next = segment->regions().next(*next)) {
        const RegionAttributes attributes = next->attributes();
        if (attributes.type != type || attributes.backing != view.attributes.backing) break;
        range.end = next->end();
    }
    return range;
}

Result<void> CallHandlers::unmap_phys(const vm_calls::UnmapPhysArguments& arguments) {
    Space& space = *TRY(caller());
    if (arguments.process.raw() != 0 && arguments.process != process_) return Error::Permission;
    const VirtualRange range = TRY(mapping_at(space, arguments.address, MemoryType::Direct));
    context_.worker.statistics.unmaps.add();
    return change_range(RangeKind::Unmap, range.start, range.size(), Access::none());
}

Result<PhysicalAddress> CallHandlers::getphys(const vm_calls::GetphysArguments& arguments) {
    Space& space = *TRY(named_space(arguments.process));
    const VirtualAddress address = arguments.address;
    if (!address.in_user_space()) return Error::BadAddress;
    PhysicalAddress place;
    Error error = Error::BadAddress;
    (void)for_all_parts(context_, space, VirtualRange::of(address.page_down(), kPageSize), [&](const Segment& regions, VirtualRange) {
        const RegionView view = regions.view_locked(address);
        if (view.outcome != Lookup::Found || !view.attributes.mapped()) return false;
        const Result<PhysicalAddress> found = place_of(context_, space, address, view.attributes);
        error = found.error();
        if (found.ok()) place = found.value();
        return true;
    });
    if (error != Error::None) return error;
    return place;
}

}  // namespace shoal::vm
