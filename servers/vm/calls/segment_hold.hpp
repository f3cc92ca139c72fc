// SegmentHold: a segment's lock, with no region left vacant: what everybody takes who looks at regions under the lock, but for the
// short ways.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class [[nodiscard]] SCOPED_CAPABILITY SegmentHold {
  public:
    SegmentHold(WorkerContext& context, Space& space, Segment& segment) ACQUIRE(segment.lock)
        : guard_(context.locks(), segment.lock) {
        if (segment.has_vacancy()) [[unlikely]] end_vacancy(context, space, segment);
    }
    ~SegmentHold() RELEASE() {}
    SegmentHold(const SegmentHold&) = delete;
    SegmentHold& operator=(const SegmentHold&) = delete;

  private:
    // The vacant region goes; its addresses are a hole like any other.
    static void end_vacancy(WorkerContext& context, Space& space, Segment& segment);

    Segment::Guard guard_;
};

}  // namespace shoal::vm
