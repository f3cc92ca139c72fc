// Holdings: what VM has taken, so that a test can see that it has all come back.
#pragma once

#include <string>

#include "tests/support/vm/harness.hpp"

namespace shoal::model {

// Of all kinds, and frames that are in no slab: what there is after the end of everything has to be what there was before its beginning.
class Holdings {
  public:
    // Takes everything out of caches first, the cached pages, too.
    explicit Holdings(vm::test::Harness& vm);
    [[nodiscard]] std::string difference(const Holdings& after) const;

  private:
    int64_t frames_ = 0;
    int64_t objects_[vm::kSlabTypes] = {};
};

// A grace period is over for whatever has been retired.
void let_grace_periods_pass(vm::test::Harness& vm);
// Objects of a slab type in use, of all CPUs.
int64_t live_objects(vm::test::Harness& vm, unsigned type);

}  // namespace shoal::model
