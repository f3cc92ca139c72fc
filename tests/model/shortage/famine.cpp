#include "tests/model/shortage/famine.hpp"

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/leaf/leaf_map.hpp"
#include "servers/vm/requests/request.hpp"
#include "tests/support/vm/slab_objects.hpp"

namespace shoal::model {

Famine::Famine(vm::test::Harness& vm, CpuId cpu, uint32_t frames, uint32_t spared) : vm_(vm), spared_(spared) {
    vm.settle();
    const uint32_t cpus = vm.machine.cpus();
    for (uint32_t i = 0; i < cpus; ++i) eat_objects(i);
    for (uint32_t i = 0; i < cpus; ++i)
        while (worker(i).frames.ensure(1).ok()) frames_.push_back(worker(i).frames.allocate_reserved());
    for (uint32_t i = 0; i < cpus; ++i) eat_objects(i);  // of the slabs that the last frames became
    for (; frames > 0 && !frames_.empty(); --frames) {
        worker(cpu.raw()).frames.free(frames_.back());
        frames_.pop_back();
    }
}

Famine::~Famine() {
    for (const FrameNumber frame : frames_) worker(0).frames.free(frame);
    for (vm::Region* region : regions_) worker(0).slabs.give_back(region);
    for (vm::RunTree* tree : trees_) worker(0).slabs.destroy(tree);
    for (vm::Run* run : runs_) worker(0).slabs.destroy(run);
    for (vm::Request* request : requests_) worker(0).slabs.destroy(request);
    for (vm::FlushBatch* batch : batches_) worker(0).slabs.destroy(batch);
    for (vm::LeafNode* node : nodes_) worker(0).slabs.destroy(node);
    for (vm::QuotaLease* lease : leases_) worker(0).slabs.destroy(lease);
}

template <typename T, typename... Arguments>
void Famine::eat(uint32_t cpu, uint32_t type, std::vector<T*>& eaten, const Arguments&... arguments) {
    constexpr unsigned kSlabfuls = 128;  // more than lie free anywhere
    for (unsigned i = 0; (spared_ >> type & 1) == 0 && i < kSlabfuls; ++i) {
        const Result<T*> made = vm::test::take_object<T>(worker(cpu).slabs, arguments...);
        if (!made.ok()) return;
        eaten.push_back(made.value());
    }
}

void Famine::eat_objects(uint32_t cpu) {
    eat<vm::Region>(cpu, 0, regions_);
    eat<vm::Run>(cpu, 1, runs_, vm::PageSpan{0, 1}, vm::PageState{}, uint64_t{0});
    eat<vm::Request>(cpu, 2, requests_, vm::RequestKind::Again, vm::Receipt{}, CpuId{});
    eat<vm::FlushBatch>(cpu, 3, batches_, ProcessId{}, CpuId{});
    eat<vm::LeafNode>(cpu, 4, nodes_);
    eat<vm::QuotaLease>(cpu, 5, leases_);
    eat<vm::RunTree>(cpu, 6, trees_, vm::PageSpan{0, 1});
}

}  // namespace shoal::model
