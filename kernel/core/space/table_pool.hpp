// TablePool: the frames for upper page tables, cut from 2 MiB areas that boot gives and VM lends.
//
// An area keeps its own books in its first frame, so that areas need no table and a frame finds its area by masking.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/address.hpp"
#include "base/lock/guard.hpp"
#include "base/result.hpp"

namespace shoal::kernel::space {

enum class AreaOrigin : uint32_t { Boot, Lent };  // boot's areas are never given back

class TablePool {
  public:
    static constexpr uint32_t kFramesPerArea = kPagesPerLeaf - 1;  // without the books

    // low_water: free frames below which the stock counts as low.
    explicit TablePool(uint64_t low_water) : low_water_(low_water) {}

    // Invalid: not aligned to 2 MiB.
    Error adopt(LockContext& context, PhysicalAddress area, AreaOrigin origin) EXCLUDES(lock_);
    // A lent area of which no frame is in use. NoEntry: there is none, or the stock would become low without it.
    Result<PhysicalAddress> reclaim(LockContext& context) EXCLUDES(lock_);

    // At most `wanted` frames into `frames`; how many. Their contents are arbitrary.
    uint32_t take(LockContext& context, PhysicalAddress* frames, uint32_t wanted) EXCLUDES(lock_);
    void give(LockContext& context, const PhysicalAddress* frames, uint32_t count) EXCLUDES(lock_);

    // Any CPU; a hint.
    [[nodiscard]] bool low() const { return free_.load(std::memory_order_relaxed) < low_water_; }
    [[nodiscard]] uint64_t free() const { return free_.load(std::memory_order_relaxed); }
    [[nodiscard]] uint64_t areas() const { return areas_.load(std::memory_order_relaxed); }

  private:
    struct Area;
    static Area& area_of(PhysicalAddress frame);
    void push_locked(PhysicalAddress frame) REQUIRES(lock_);
    PhysicalAddress pop_locked(Area& area) REQUIRES(lock_);
    void unlink_locked(Area& area) REQUIRES(lock_);

    SpinLock<KernelRank::TablePool> lock_;
    Area* first_ GUARDED_BY(lock_) = nullptr;  // every area
    std::atomic<uint64_t> free_{0}, areas_{0};  // written under the lock
    const uint64_t low_water_;
};

}  // namespace shoal::kernel::space
