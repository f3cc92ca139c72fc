#include "tests/model/holdings.hpp"

#include <sstream>

#include "servers/vm/cache/evictor.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "servers/vm/requests/shortage.hpp"

namespace shoal::model {

void let_grace_periods_pass(vm::test::Harness& vm) {
    for (unsigned round = 0; round < 4; ++round) {
        vm.settle();
        for (uint32_t cpu = 0; cpu < vm.machine.cpus(); ++cpu) {
            const std::lock_guard turn(vm.machine.turn(CpuId::from(cpu)));
            vm::WorkerContext worker = vm.context(CpuId::from(cpu));
            worker.worker.reclaimer.expedite([&](vm::RetireHook& hook) { vm::dispose(worker, hook); });
        }
    }
}

int64_t live_objects(vm::test::Harness& vm, unsigned type) {
    int64_t sum = 0;
    for (uint32_t cpu = 0; cpu < vm.machine.cpus(); ++cpu) sum += vm.arena().worker(cpu).slabs.live(static_cast<vm::SlabType>(type));
    return sum;
}

Holdings::Holdings(vm::test::Harness& vm) {
    constexpr uint64_t kAll = ~uint64_t{0} / 2;
    for (unsigned round = 0; round < 4; ++round) {
        for (uint32_t cpu = 0; cpu < vm.machine.cpus(); ++cpu) {
            const std::lock_guard turn(vm.machine.turn(CpuId::from(cpu)));
            vm::WorkerContext worker = vm.context(CpuId::from(cpu));
            (void)vm::evict(worker, kAll);
            (void)vm::drain(worker);
        }
        let_grace_periods_pass(vm);
    }
    frames_ = static_cast<int64_t>(vm.arena().frames_in_use());
    for (unsigned type = 0; type < vm::kSlabTypes; ++type) {
        objects_[type] = live_objects(vm, type);
        for (uint32_t cpu = 0; cpu < vm.machine.cpus(); ++cpu)
            frames_ -= static_cast<int64_t>(vm.arena().worker(cpu).slabs.slabs(static_cast<vm::SlabType>(type)));
    }
}

std::string Holdings::difference(const Holdings& after) const {
    std::ostringstream text;
    if (after.frames_ != frames_) text << frames_ << " frames in use became " << after.frames_ << "; ";
    for (unsigned type = 0; type < vm::kSlabTypes; ++type)
        if (objects_[type] != after.objects_[type]) text << "objects of type " << type << ": " << objects_[type] << " became " << after.objects_[type] << "; ";
    return text.str();
}

}  // namespace shoal::model
