// Famine: while it lives, all memory of VM is taken but a few frames, and of some types of objects even those that lie free in
// slabs. What an operation needs is then refused at one of the places where it asks for it, by the number that is left at each in turn.
#pragma once

#include <vector>

#include "tests/support/vm/harness.hpp"

namespace shoal::model {

class Famine {
  public:
    // frames: left to the CPU. spared: a bit per type, in the order of eat_objects(), of which the free objects are left, too.
    Famine(vm::test::Harness& vm, CpuId cpu, uint32_t frames, uint32_t spared);
    ~Famine();
    Famine(const Famine&) = delete;
    Famine& operator=(const Famine&) = delete;

  private:
    vm::Worker& worker(uint32_t cpu) { return vm_.arena().worker(cpu); }
    void eat_objects(uint32_t cpu);
    template <typename T, typename... Arguments>
    void eat(uint32_t cpu, uint32_t type, std::vector<T*>& eaten, const Arguments&... arguments);

    vm::test::Harness& vm_;
    uint32_t spared_;
    std::vector<FrameNumber> frames_;
    std::vector<vm::Region*> regions_;
    std::vector<vm::Run*> runs_;
    std::vector<vm::Request*> requests_;
    std::vector<vm::FlushBatch*> batches_;
    std::vector<vm::LeafNode*> nodes_;
    std::vector<vm::QuotaLease*> leases_;
    std::vector<vm::RunTree*> trees_;
};

}  // namespace shoal::model
