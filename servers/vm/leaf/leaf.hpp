// Leaf: what VM knows of 2 MiB of one space: the last-level page table, the phys-region trees that say what it holds, and
// the CPUs that may have cached translations from it.
//
// One lock guards all of it. A leaf lives until its space ends, or until a shortage takes it when it is empty (LeafTrim); then
// it is marked dead under the lock, unlinked, taken out of the map and retired, because a fault may have found it before.
#pragma once

#include <atomic>

#include "abi/boot_info.hpp"
#include "base/cpu.hpp"
#include "base/lock/guard.hpp"
#include "servers/vm/arena/window.hpp"
#include "servers/vm/leaf/grant.hpp"
#include "servers/vm/leaf/run_forest.hpp"
#include "servers/vm/reclaim/reclaimer.hpp"

namespace shoal::vm {

class Request;
class Segment;

class alignas(kCacheLine) Leaf {
  public:
    static constexpr SlabType kSlabType = SlabType::Leaf;

    // table: a zeroed frame, owned by the leaf from now on. order: the space's id, for the order of leaf locks.
    Leaf(uint32_t space_order, VirtualAddress base, FrameNumber table)
        : base_(base), table_(table), space_order_(space_order) {}

    [[nodiscard]] VirtualRange range() const { return VirtualRange::of(base_, kLeafSize); }
    [[nodiscard]] VirtualAddress address_of(unsigned page) const { return base_ + page * kPageSize; }
    // The part of the leaf that a range covers.
    [[nodiscard]] PageSpan pages_of(VirtualRange range) const;
    // As pages_of(), of a range that lies in the leaf.
    [[nodiscard]] static PageSpan pages_within(VirtualRange range) {
        const unsigned first = page_in_leaf(range.start);
        return {first, first + static_cast<unsigned>(range.size() >> kPageShift)};
    }
    [[nodiscard]] FrameNumber table_frame() const { return table_; }
    [[nodiscard]] PageTable& table() const { return *window_pointer<PageTable>(table_); }
    [[nodiscard]] OrderKey order_key() const { return OrderKey::of_space(space_order_, base_.raw()); }

    SpinLock<VmRank::Leaf> lock;

    // Written under the lock, but for forget() and map_shortly(). Read without it, it is a hint. relaxed: the lock orders it.
    [[nodiscard]] Grant granted() const { return granted_.load(std::memory_order_relaxed); }
    // seq_cst: pairs with forget(), see there
    void grant(Grant grant) { granted_.store(grant, std::memory_order_seq_cst); }
    // Without the lock, in a Segment::Change: from here on faults look the region up. A fault that is just giving a grant asks for the
    // version once more behind it, and takes it back: either it sees the change, or we come after its grant.
    void forget() { granted_.store({}, std::memory_order_seq_cst); }
    void revoke(PageSpan span) {
        const Grant before = granted();
        if (!before.empty() && !before.span().intersect(span).empty()) grant({});
    }

    // The leaf's own regions, if it is detached (calls/detach.hpp); nullptr: they are the slice's. What it points to, under the lock.
    [[nodiscard]] Segment* own_regions() const { return own_regions_.load(std::memory_order_seq_cst); }  // pairs with set_own_regions()
    [[nodiscard]] bool detached() const { return own_regions() != nullptr; }
    // Under the lock. seq_cst: pairs with RangeOperation::beside_detached(), see there
    void set_own_regions(Segment* regions) { own_regions_.store(regions, std::memory_order_seq_cst); }

    // Under the lock.
    bool dead = false;         // nothing is mapped here any more; while `flushing`, its table is being unlinked
    bool charged = true;       // the quota pays for the table
    uint16_t resident = 0;     // pages that the trees hold
    uint32_t flushing = 0;     // batches under way that other CPUs of the set have not acknowledged
    uint64_t faults = 0;
    CpuSet cpus;               // that have the table linked; a bit, once set, stays until a swap
    RunForest trees;
    Request* waiting = nullptr;  // faults that need a new frame while `flushing`; chained
    RetireHook retire_hook;

  private:
    std::atomic<Grant> granted_{Grant{}};
    std::atomic<Segment*> own_regions_{nullptr};
    VirtualAddress base_;
    FrameNumber table_;
    uint32_t space_order_;

  public:
    uint64_t major_faults = 0;  // under the lock: of `faults`, those that waited for the file server
};

inline PageSpan Leaf::pages_of(VirtualRange part) const {
    const VirtualRange common = part.intersect(range());
    if (common.empty()) return {0, 0};
    return {static_cast<unsigned>((common.start - base_) >> kPageShift),
            static_cast<unsigned>((common.end - base_ + kPageSize - 1) >> kPageShift)};
}

}  // namespace shoal::vm
