// Quota: how many pages a process may hold, lent to CPUs in runs, so that charging a page writes the CPU's own line.
//
// A run is a part of what the pool still has, from 64 pages to 4,096: with much to give CPUs meet at the pool once in thousands of
// pages, near the limit nobody holds much that others want.
//
// Guarantees.
// (a) charged() never exceeds the limit, and a charge is refused only if limit - charged < n with all leases called in.
// (b) At rest pool + leases + charged == limit, exactly.
// (c) A lease is one word: its CPU charges and refunds by compare-and-swap, others only empty it (call in).
// (d) Pages move between pool and leases under the lock only, so that whoever refuses under it has seen them all.
// Progress: charging from a lease is lock-free; one call in a run takes the lock. Reclamation: leases live as long as the
// process; release() frees them when no other worker can be charging (the slot's lifecycle).
// Refused: plain stores on the lease and a message to its owner for calling in: the caller would have to be parked.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/address.hpp"
#include "base/lock/guard.hpp"
#include "base/result.hpp"
#include "servers/vm/slab/slab_caches.hpp"

namespace shoal::vm {

// One CPU's loan to one process.
struct QuotaLease {
    static constexpr SlabType kSlabType = SlabType::QuotaLease;
    std::atomic<uint64_t> left{0};  // pages
    uint64_t run = 0;               // pages it borrows beyond its need and keeps; its CPU's alone
};

// Leases of 32 neighbouring CPUs; read only after their first use.
struct QuotaDirectory {
    static constexpr SlabType kSlabType = SlabType::QuotaDirectory;
    static constexpr size_t kCpus = 32;
    std::atomic<QuotaLease*> leases[kCpus] = {};
};

class Quota {
  public:
    static constexpr uint64_t kRun = 64, kLongestRun = 4096;  // pages
    static constexpr uint64_t kRunsInPool = 64;               // that a run is to leave

    explicit Quota(PageCount limit) : limit_(limit.raw()), pool_(limit.raw()) {}
    Quota(const Quota&) = delete;
    Quota& operator=(const Quota&) = delete;

    // Charges n pages to the process, on the worker's CPU. Locks below Depot may be held.
    // Error: NoMemory (over the limit, or no memory for the lease).
    [[gnu::always_inline]] Result<void> charge(LockContext& worker, SlabCaches& slabs, PageCount n) {
        QuotaLease* lease = find(worker.cpu());
        if (lease != nullptr && take(*lease, n.raw())) [[likely]] return {};
        return charge_slowly(worker, slabs, n);
    }
    // Cannot fail; the CPU may be another than the one that charged.
    [[gnu::always_inline]] void refund(LockContext& worker, PageCount n) {
        QuotaLease* lease = find(worker.cpu());
        if (lease != nullptr && lease->left.fetch_add(n.raw(), std::memory_order_relaxed) + n.raw() < 2 * lease->run) [[likely]] return;
        keep_a_run(worker, lease, n);
    }
    // Frees leases and directories; nothing may be charged any more.
    void release(SlabCaches& slabs);

    [[nodiscard]] PageCount limit() const { return PageCount{limit_}; }
    // Exact at rest; beside running charges it may be high by what is on its way.
    [[nodiscard]] PageCount charged() const;
    // The most that has been charged, as seen when a CPU borrowed, with what others had borrowed as charged; and now. So it may be high by what
    // other CPUs' leases held, and low by what a CPU has charged and refunded between two loans: two runs a CPU at most.
    [[nodiscard]] PageCount peak() const;

    // For the audit.
    struct Objects {
        uint64_t leases, directories;
    };
    [[nodiscard]] Objects count_objects() const;

  private:
    static constexpr size_t kDirectories = kMaxCpus / QuotaDirectory::kCpus;
    [[nodiscard, gnu::always_inline]] QuotaLease* find(CpuId cpu) const {
        // acquire pairs with find_or_make()
        const QuotaDirectory* directory = directories_[cpu.index() / QuotaDirectory::kCpus].load(std::memory_order_acquire);
        if (directory == nullptr) return nullptr;
        return directory->leases[cpu.index() % QuotaDirectory::kCpus].load(std::memory_order_acquire);  // as above
    }
    // Only the lease itself; false: it has less left. relaxed: the words are numbers that order nothing else.
    [[gnu::always_inline]] static bool take(QuotaLease& lease, uint64_t n) {
        uint64_t left = lease.left.load(std::memory_order_relaxed);
        while (left >= n)
            if (lease.left.compare_exchange_weak(left, left - n, std::memory_order_relaxed)) return true;
        return false;
    }
    void keep_a_run(LockContext& worker, QuotaLease* lease, PageCount refunded);
    Result<void> charge_slowly(LockContext& worker, SlabCaches& slabs, PageCount n);
    Result<QuotaLease*> find_or_make(CpuId cpu, SlabCaches& slabs);
    void call_in() REQUIRES(lock_);
    bool borrow(QuotaLease& lease, uint64_t n) REQUIRES(lock_);
    void change_pool(uint64_t pages) REQUIRES(lock_);
    void note_charged(uint64_t pages) REQUIRES(lock_);
    [[nodiscard]] static uint64_t run_of(uint64_t pool);
    template <typename Visit>
    void for_each_lease(Visit visit) const;

    std::atomic<QuotaDirectory*> directories_[kDirectories] =
        {};  // read-mostly: a line of their own
    uint64_t limit_;
    alignas(kCacheLine) SpinLock<VmRank::Depot> lock_;
    std::atomic<uint64_t> pool_;  // written under the lock, read by charged() without
    std::atomic<uint64_t> peak_{0};  // likewise, by peak()
};

}  // namespace shoal::vm
