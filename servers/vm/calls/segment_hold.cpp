#include "servers/vm/calls/segment_hold.hpp"

namespace shoal::vm {

void SegmentHold::end_vacancy(WorkerContext& context, Space& space, Segment& segment) {
    Region& region = *segment.recent();
    const VirtualRange hole = region.range();
    {
        Segment::Change change(segment);
        segment.remove(region);
    }
    context.slabs().give_back(&region);
    space.settle_regions(context.locks(), context.slabs(), segment);
    segment.reuse(hole);
}

}  // namespace shoal::vm
