#include "servers/vm/reclaim/reclaimer.hpp"

#include "base/fence.hpp"

namespace shoal::vm {

void Reclaimer::retire(RetireHook& hook, uint8_t deleter) {
    hook.deleter_ = deleter;
    hook.next_ = filling_.first;
    filling_.first = &hook;
    ++filling_.count;
    note_due();
}

// Notes who is inside. This worker itself is at a quiescent point whenever it polls.
void Reclaimer::start() {
    waiting_ = filling_;
    filling_ = {};
    // Pairs with the barrier after WorkerEpoch::enter(): a worker whose word we see even or old has not yet looked, and
    // will see that our objects are unlinked.
    full_fence();
    waited_for_ = CpuSet{};
    for (size_t i = 0; i < cpus_; ++i) {
        const CpuId other = CpuId::from(i);
        if (other == cpu_) continue;
        noted_[i] = epoch(other).value();
        if (WorkerEpoch::inside(noted_[i])) waited_for_.add(other);
    }
}

bool Reclaimer::grace_over() {
    CpuSet still;
    waited_for_.for_each([&](CpuId other) {
        // value() is an acquire load that pairs with leave() and enter(): that worker's reads are over
        if (epoch(other).value() == noted_[other.index()]) still.add(other);
    });
    waited_for_ = still;
    return still.empty();
}

}  // namespace shoal::vm
