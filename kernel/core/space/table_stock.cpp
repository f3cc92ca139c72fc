#include "kernel/core/space/table_stock.hpp"

namespace shoal::kernel::space {

bool TableStock::refill(uint32_t count) {
    count_ += pool_.take(context_, frames_ + count_, kBatch);
    low_ = pool_.low();
    return count_ >= count;
}

PhysicalAddress TableStock::take() {
    SHOAL_ASSERT(count_ > 0);
    const PhysicalAddress frame = frames_[--count_];
    PageTable& table = PageTable::at(frame);
    for (unsigned i = 0; i < PageTable::kEntries; ++i) table.store(i, PageEntry{});
    return frame;
}

void TableStock::give(PhysicalAddress frame) {
    if (count_ == kCapacity) {
        count_ -= kBatch;
        pool_.give(context_, frames_ + count_, kBatch);
    }
    frames_[count_++] = frame;
}

void TableStock::drain() {
    pool_.give(context_, frames_, count_);
    count_ = 0;
}

}  // namespace shoal::kernel::space
