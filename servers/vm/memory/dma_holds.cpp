#include "servers/vm/memory/dma_holds.hpp"

namespace shoal::vm {

bool DmaHolds::overlap(LockContext& worker, ProcessId process, FrameRange frames) {
    return find(worker, [&](const DmaHold& hold) {
        return hold.process == process && hold.frames.first < frames.end() && frames.first < hold.frames.end();
    });
}

void DmaHolds::add(LockContext& worker, DmaHold& hold) {
    Guard guard(worker, lock_);
    hold.next = first_;
    first_ = &hold;
}

DmaHold* DmaHolds::take(LockContext& worker, ProcessId process, FrameNumber first) {
    Guard guard(worker, lock_);
    DmaHold** link = &first_;
    while (*link != nullptr && !((*link)->process == process && (*link)->frames.first == first)) link = &(*link)->next;
    DmaHold* hold = *link;
    if (hold != nullptr) *link = hold->next;
    return hold;
}

}  // namespace shoal::vm
