// DmaHolds: frames that a device has been told of, and may write until its driver, or whoever comes after a dead one, says that it no
// longer does.
//
// A hold has a reference to each of its frames, as a leaf has that shares them: no end of a mapping, of a space or of its process frees
// them. There are few, in one list under one lock.
#pragma once

#include "abi/endpoint.hpp"
#include "base/lock/guard.hpp"
#include "servers/vm/slab/slab_types.hpp"

namespace shoal::vm {

struct DmaHold {
    static constexpr SlabType kSlabType = SlabType::DmaHold;
    DmaHold(ProcessId holder, FrameRange held) : process(holder), frames(held) {}

    ProcessId process;
    FrameRange frames;
    DmaHold* next = nullptr;
};

class DmaHolds {
  public:
    // Whether the process holds one of these frames.
    [[nodiscard]] bool overlap(LockContext& worker, ProcessId process, FrameRange frames);
    // With its references.
    void add(LockContext& worker, DmaHold& hold);
    // Out of the list: the process' hold that begins there, or nullptr.
    DmaHold* take(LockContext& worker, ProcessId process, FrameNumber first);

    // Calls visit(const DmaHold&), the latest first, until it returns true. Whether it has.
    template <typename Visit>
    bool find(LockContext& worker, Visit visit) {
        Guard guard(worker, lock_);
        for (const DmaHold* hold = first_; hold != nullptr; hold = hold->next)
            if (visit(*hold)) return true;
        return false;
    }

  private:
    SpinLock<VmRank::Depot> lock_;
    DmaHold* first_ GUARDED_BY(lock_) = nullptr;
};

}  // namespace shoal::vm
