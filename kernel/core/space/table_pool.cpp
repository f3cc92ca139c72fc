#include "kernel/core/space/table_pool.hpp"

#include <new>

#include "kernel/core/machine.hpp"

namespace shoal::kernel::space {

// In the area's first frame. Free frames form a list through their first word.
struct TablePool::Area {
    PhysicalAddress start;
    AreaOrigin origin;
    uint32_t free;
    PhysicalAddress first_free;  // 0: none
    Area* next;
};

namespace {

PhysicalAddress& next_free(PhysicalAddress frame) {
    return *static_cast<PhysicalAddress*>(machine::frame_pointer(frame));
}

}  // namespace

TablePool::Area& TablePool::area_of(PhysicalAddress frame) {
    return *static_cast<Area*>(machine::frame_pointer(PhysicalAddress{frame.raw() & ~uint64_t{kLeafSize - 1}}));
}

void TablePool::push_locked(PhysicalAddress frame) {
    Area& area = area_of(frame);
    next_free(frame) = area.first_free;
    area.first_free = frame;
    ++area.free;
}

PhysicalAddress TablePool::pop_locked(Area& area) {
    const PhysicalAddress frame = area.first_free;
    area.first_free = next_free(frame);
    --area.free;
    return frame;
}

Error TablePool::adopt(LockContext& context, PhysicalAddress start, AreaOrigin origin) {
    if (start.raw() == 0 || start.raw() % kLeafSize != 0) return Error::Invalid;
    Guard guard{context, lock_};
    Area& area = *new (machine::frame_pointer(start)) Area{start, origin, 0, PhysicalAddress{0}, first_};
    for (uint64_t page = kFramesPerArea; page > 0; --page) push_locked(start + page * kPageSize);
    first_ = &area;
    free_.fetch_add(kFramesPerArea, std::memory_order_relaxed);
    areas_.fetch_add(1, std::memory_order_relaxed);
    return Error::None;
}

void TablePool::unlink_locked(Area& area) {
    Area** link = &first_;
    while (*link != &area) link = &(*link)->next;
    *link = area.next;
}

Result<PhysicalAddress> TablePool::reclaim(LockContext& context) {
    Guard guard{context, lock_};
    if (free() < low_water_ + kFramesPerArea) return Error::NoEntry;
    for (Area* area = first_; area != nullptr; area = area->next) {
        if (area->origin != AreaOrigin::Lent || area->free != kFramesPerArea) continue;
        unlink_locked(*area);
        free_.fetch_sub(kFramesPerArea, std::memory_order_relaxed);
        areas_.fetch_sub(1, std::memory_order_relaxed);
        return area->start;
    }
    return Error::NoEntry;
}

uint32_t TablePool::take(LockContext& context, PhysicalAddress* frames, uint32_t wanted) {
    Guard guard{context, lock_};
    uint32_t taken = 0;
    for (Area* area = first_; area != nullptr && taken < wanted; area = area->next)
        while (area->free != 0 && taken < wanted) frames[taken++] = pop_locked(*area);
    free_.fetch_sub(taken, std::memory_order_relaxed);
    return taken;
}

void TablePool::give(LockContext& context, const PhysicalAddress* frames, uint32_t count) {
    Guard guard{context, lock_};
    for (uint32_t i = 0; i < count; ++i) push_locked(frames[i]);
    free_.fetch_add(count, std::memory_order_relaxed);
}

}  // namespace shoal::kernel::space
