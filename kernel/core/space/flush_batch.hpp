// FlushBatch: one posted flush, unlink or destruction, and the pool of them that each CPU has.
//
// Life: allocated by its CPU; posted to the CPUs in `waiting`; each does its share, takes itself out of `waiting` and counts
// `remaining` down; whoever counts to 0 hands `done` to the requesting CPU's worker; free again when the worker has received
// it. A member of `waiting` may read the batch until it has counted down; its membership proves that the fields are whole,
// so a batch reused while somebody scans the pool is no harm.
#pragma once

#include <atomic>

#include "abi/memory.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/space/atomic_cpu_set.hpp"
#include "kernel/core/space/space_slot.hpp"

namespace shoal::kernel::space {

enum class FlushKind : uint8_t { Flush, Unlink, Destroy };

struct FlushBatch {
    FlushKind kind = FlushKind::Flush;
    CpuId requester;
    SpaceSlot slot = kNoSpace;
    uint32_t count = 0;  // ranges, or FlushRequest::kFlushAll
    VirtualRange ranges[FlushRequest::kMaxRanges];

    alignas(kCacheLine) AtomicCpuSet waiting;
    std::atomic<uint32_t> remaining{0};
    WorkerMessage done;

    // More pages than this, and the CPU flushes everything of the space: about where INVLPGs cost as much as refilling.
    static constexpr uint64_t kMostSinglePages = 32;
    [[nodiscard]] bool flush_all() const;
};

class BatchPool {
  public:
    static constexpr unsigned kBatches = 64;
    explicit BatchPool(CpuId owner) {
        for (FlushBatch& batch : batches_) batch.requester = owner;
    }

    // Owner only. nullptr: all are in use.
    FlushBatch* allocate();
    void publish(FlushBatch& batch);

    // Any CPU: calls visit(batch) for each batch that waits for `cpu`.
    template <typename Visit>
    void for_each_waiting(CpuId cpu, Visit visit) {
        // acquire pairs with publish(); a batch published later rings again
        uint64_t posted = posted_.load(std::memory_order_acquire);
        for (; posted != 0; posted &= posted - 1) {
            FlushBatch& batch = batches_[std::countr_zero(posted)];
            if (batch.waiting.contains(cpu)) visit(batch);
        }
    }

  private:
    [[nodiscard]] uint64_t bit(const FlushBatch& batch) const { return uint64_t{1} << (&batch - batches_); }
    std::atomic<uint64_t> posted_{0};  // written by the owner alone
    FlushBatch batches_[kBatches];
};

}  // namespace shoal::kernel::space
