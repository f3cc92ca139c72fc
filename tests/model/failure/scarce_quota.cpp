#include "tests/model/failure/scarce_quota.hpp"

namespace shoal::model {

using vm::test::kCpu0;

ScarceQuota::ScarceQuota(vm::test::Harness& vm, uint64_t pages_left, ProcessId but) : vm_(vm) {
    const std::lock_guard turn(vm.machine.turn(kCpu0));
    const vm::WorkerContext worker = vm.context(kCpu0);
    for (uint32_t slot = 0; slot < vm.processes().slots(); ++slot) {
        vm::Space* space = vm.processes().slot_at(slot).space();
        if (space == nullptr || space->process() == but) continue;
        const uint64_t left = space->quota.limit().raw() - space->quota.charged().raw();
        const PageCount taken{left > pages_left ? left - pages_left : 0};
        if (space->quota.charge(worker.locks(), worker.slabs(), taken).ok()) taken_.emplace_back(space->order(), taken);
    }
}

ScarceQuota::~ScarceQuota() {
    const std::lock_guard turn(vm_.machine.turn(kCpu0));
    const vm::WorkerContext worker = vm_.context(kCpu0);
    for (const auto& [order, taken] : taken_)  // wherever the space is now
        if (vm::Space* space = vm_.processes().slot_of_order(order).space()) space->quota.refund(worker.locks(), taken);
}

}  // namespace shoal::model
