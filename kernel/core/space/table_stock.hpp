// TableStock: one CPU's magazine of table frames over the shared pool. Its CPU alone uses it, interrupts off.
#pragma once

#include "kernel/core/space/page_table.hpp"
#include "kernel/core/space/table_pool.hpp"

namespace shoal::kernel::space {

class TableStock {
  public:
    static constexpr uint32_t kCapacity = 64, kBatch = 32;

    TableStock(TablePool& pool, LockContext& context) : pool_(pool), context_(context) {}

    // True if `count` (at most kBatch) calls of take() cannot fail from here on.
    [[nodiscard]] bool reserve(uint32_t count) { return count_ >= count || refill(count); }
    // A zeroed table. Only after reserve().
    PhysicalAddress take();
    void give(PhysicalAddress frame);
    // VM should lend an area. Looks at the shared count only after a refill has found it low.
    [[nodiscard]] bool low() {
        if (low_) low_ = pool_.low();
        return low_;
    }
    // Everything back to the pool, so that whole areas become free.
    void drain();
    [[nodiscard]] uint32_t count() const { return count_; }

  private:
    bool refill(uint32_t count);

    TablePool& pool_;
    LockContext& context_;
    uint32_t count_ = 0;
    bool low_ = false;
    PhysicalAddress frames_[kCapacity];
};

}  // namespace shoal::kernel::space
