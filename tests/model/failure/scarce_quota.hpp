// ScarceQuota: while it lives, the quotas of all processes but one have so many pages left and no more.
#pragma once

#include <utility>
#include <vector>

#include "tests/support/vm/harness.hpp"

namespace shoal::model {

class ScarceQuota {
  public:
    ScarceQuota(vm::test::Harness& vm, uint64_t pages_left, ProcessId but);
    ~ScarceQuota();
    ScarceQuota(const ScarceQuota&) = delete;
    ScarceQuota& operator=(const ScarceQuota&) = delete;

  private:
    vm::test::Harness& vm_;
    std::vector<std::pair<uint32_t, PageCount>> taken_;
};

}  // namespace shoal::model
