#include "servers/vm/requests/lent_areas.hpp"

#include "servers/vm/platform/platform.hpp"

namespace shoal::vm {

namespace {

void release_area(WorkerContext& context, FrameNumber first) {
    for (uint32_t i = 0; i < kFramesPerArea; ++i) (void)context.frame_table()[first + i].release();
    context.frames().free_areas(first, 1);
}

}  // namespace

Result<void> lend_area(WorkerContext& context) {
    const FrameNumber first = TRY(context.frames().allocate_areas(1));
    for (uint32_t i = 0; i < kFramesPerArea; ++i) context.frame_table()[first + i].claim(FrameKind::Lent, nullptr);
    if (Result<void> lent = platform::lend_area(first.address()); !lent.ok()) {
        release_area(context, first);
        return lent.error();
    }
    context.processes.shard(context.cpu()).areas_lent.add();
    return {};
}

void reclaim_areas(WorkerContext& context) {
    for (;;) {
        const Result<PhysicalAddress> area = platform::reclaim_area();
        if (!area.ok()) return;
        release_area(context, FrameNumber::of(area.value()));
        context.processes.shard(context.cpu()).areas_returned.add();
    }
}

}  // namespace shoal::vm
