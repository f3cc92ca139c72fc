#include "tests/model/failure/bare_caches.hpp"

#include "tests/model/failure/nth_refusal.hpp"

namespace shoal::model {

BareCaches::BareCaches(vm::test::Harness& vm, CpuId cpu, Stocks stocks) : vm_(vm), worker_(vm.arena().worker(cpu.raw())) {
    const std::lock_guard turn(vm.machine.turn(cpu));
    vm.machine.drive(cpu);
    worker_.slabs.drain();
    worker_.frames.drain();
    if (stocks == Stocks::Full) return;
    const NthRefusal nothing_more(vm.machine, cpu, 1, After::Refused);
    take<vm::Region>(regions_);
    take<vm::RunTree>(trees_, vm::PageSpan{0, 1});
    take<vm::Run>(runs_, vm::PageSpan{0, 1}, vm::PageState{}, uint64_t{0});
    take<vm::Request>(requests_, vm::RequestKind::Again, vm::Receipt{}, cpu);
    take<vm::FlushBatch>(batches_, ProcessId{}, cpu);
}

BareCaches::~BareCaches() {
    const std::lock_guard turn(vm_.machine.turn(worker_.cpu));
    for (vm::Region* region : regions_) worker_.slabs.give_back(region);
    for (vm::RunTree* tree : trees_) worker_.slabs.destroy(tree);
    for (vm::Run* run : runs_) worker_.slabs.destroy(run);
    for (vm::Request* request : requests_) worker_.slabs.destroy(request);
    for (vm::FlushBatch* batch : batches_) worker_.slabs.destroy(batch);
}

template <typename T, typename... Arguments>
void BareCaches::take(std::vector<T*>& taken, const Arguments&... arguments) {
    while (worker_.slabs.ensure_from_stock<T>(1).ok()) {
        if constexpr (vm::slab_kind_of<T>() == vm::SlabKind::TypeStable) taken.push_back(worker_.slabs.obtain_reserved<T>());
        else taken.push_back(worker_.slabs.create_reserved<T>(arguments...));
    }
}

}  // namespace shoal::model
