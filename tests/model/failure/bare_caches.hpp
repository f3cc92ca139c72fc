// BareCaches: while it lives, a CPU's caches are empty, and if wanted the stocks, too, which giving memory back draws on: as if they were
// all in operations under way.
#pragma once

#include <vector>

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/requests/request.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::model {

enum class Stocks : uint8_t { Full, Taken };

class BareCaches {
  public:
    BareCaches(vm::test::Harness& vm, CpuId cpu, Stocks stocks);
    ~BareCaches();
    BareCaches(const BareCaches&) = delete;
    BareCaches& operator=(const BareCaches&) = delete;

  private:
    template <typename T, typename... Arguments>
    void take(std::vector<T*>& taken, const Arguments&... arguments);

    vm::test::Harness& vm_;
    vm::Worker& worker_;
    std::vector<vm::Region*> regions_;
    std::vector<vm::RunTree*> trees_;
    std::vector<vm::Run*> runs_;
    std::vector<vm::Request*> requests_;
    std::vector<vm::FlushBatch*> batches_;
};

}  // namespace shoal::model
