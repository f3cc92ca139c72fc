// getphys: where memory lies that stays where it is.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/memory/memory_types.hpp"

namespace shoal::vm {

Result<PhysicalAddress> CallHandlers::getphys(const vm_calls::GetphysArguments& arguments) {
    Space& space = *TRY(named_space(arguments.process));
    const VirtualAddress address = arguments.address;
    Segment* segment = address.in_user_space() ? space.find_segment(address) : nullptr;
    if (segment == nullptr) return Error::BadAddress;
    SegmentHold held(context_, space, *segment);
    const RegionView view = segment->view_locked(address);
    if (view.outcome != Lookup::Found || !view.attributes.mapped()) return Error::BadAddress;
    return place_of(context_, space, address, view.attributes);
}

}  // namespace shoal::vm
