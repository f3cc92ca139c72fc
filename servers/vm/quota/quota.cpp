#include "servers/vm/quota/quota.hpp"

namespace shoal::vm {

template <typename Visit>
void Quota::for_each_lease(Visit visit) const {
    for (const auto& slot : directories_) {
        // acquire pairs with find_or_make(), for both levels
        const QuotaDirectory* directory = slot.load(std::memory_order_acquire);
        if (directory == nullptr) continue;
        for (const auto& entry : directory->leases) {
            QuotaLease* lease = entry.load(std::memory_order_acquire);
            if (lease != nullptr) visit(*lease);
        }
    }
}

// Only the CPU's own worker makes its lease; a directory may be made by several at once, one wins.
Result<QuotaLease*> Quota::find_or_make(CpuId cpu, SlabCaches& slabs) {
    if (QuotaLease* lease = find(cpu); lease != nullptr) return lease;
    std::atomic<QuotaDirectory*>& slot = directories_[cpu.index() / QuotaDirectory::kCpus];
    QuotaDirectory* directory =
        slot.load(std::memory_order_acquire);  // pairs with the exchange below
    if (directory == nullptr) {
        QuotaDirectory* fresh = TRY(slabs.create<QuotaDirectory>());
        // release pairs with the acquire loads above: its null entries come with it
        if (slot.compare_exchange_strong(directory, fresh, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
            directory = fresh;
        } else {
            slabs.destroy(fresh);
        }
    }
    QuotaLease* lease = TRY(slabs.create<QuotaLease>());
    // --- commit point ---
    // release pairs with find() and for_each_lease()
    directory->leases[cpu.index() % QuotaDirectory::kCpus].store(lease, std::memory_order_release);
    return lease;
}

// relaxed here and below: as in take().
void Quota::change_pool(uint64_t pages) {
    pool_.store(pool_.load(std::memory_order_relaxed) + pages, std::memory_order_relaxed);
}

void Quota::note_charged(uint64_t pages) {
    if (pages > peak_.load(std::memory_order_relaxed)) peak_.store(pages, std::memory_order_relaxed);
}

Result<void> Quota::charge_slowly(LockContext& worker, SlabCaches& slabs, PageCount pages) {
    const uint64_t n = pages.raw();
    if (n == 0) return {};
    QuotaLease* lease = TRY(find_or_make(worker.cpu(), slabs));
    Guard guard{worker, lock_};
    if (borrow(*lease, n)) return {};
    call_in();
    if (borrow(*lease, n)) return {};
    return Error::NoMemory;
}

uint64_t Quota::run_of(uint64_t pool) {
    const uint64_t share = pool / kRunsInPool;
    return share < kRun ? kRun : share > kLongestRun ? kLongestRun : share;
}

// Charges n: what the lease has left, the rest and a run more from the pool.
bool Quota::borrow(QuotaLease& lease, uint64_t n) {
    const uint64_t all = pool_.load(std::memory_order_relaxed);
    const uint64_t had = lease.left.exchange(0, std::memory_order_relaxed);
    const uint64_t missing = had >= n ? 0 : n - had;
    if (all < missing) {
        lease.left.fetch_add(had, std::memory_order_relaxed);
        return false;
    }
    note_charged(limit_ - all - had + n);
    lease.run = run_of(all - missing);
    const uint64_t taken = missing == 0 ? 0 : (all < missing + lease.run ? all : missing + lease.run);
    change_pool(-taken);
    lease.left.fetch_add(had + taken - n, std::memory_order_relaxed);
    return true;
}

// The lease has them already, if there is one.
void Quota::keep_a_run(LockContext& worker, QuotaLease* lease, PageCount refunded) {
    Guard guard{worker, lock_};
    if (lease == nullptr) return change_pool(refunded.raw());
    // Keeps a run: others may want the rest.
    const uint64_t left = lease->left.exchange(0, std::memory_order_relaxed);
    const uint64_t kept = left < lease->run ? left : lease->run;
    lease->left.fetch_add(kept, std::memory_order_relaxed);
    change_pool(left - kept);
}

void Quota::call_in() {
    uint64_t sum = 0;
    for_each_lease(
        [&sum](QuotaLease& lease) { sum += lease.left.exchange(0, std::memory_order_relaxed); });
    change_pool(sum);
}

void Quota::release(SlabCaches& slabs) {
    SHOAL_ASSERT(charged().raw() == 0 && "quota released while pages are charged");
    for (auto& slot : directories_) {
        // acquire pairs with find_or_make()
        QuotaDirectory* directory = slot.exchange(nullptr, std::memory_order_acquire);
        if (directory == nullptr) continue;
        for (auto& entry : directory->leases) {
            QuotaLease* lease = entry.load(std::memory_order_acquire);  // pairs with find_or_make()
            if (lease != nullptr) slabs.destroy(lease);
        }
        slabs.destroy(directory);
    }
}

PageCount Quota::charged() const {
    uint64_t free = pool_.load(std::memory_order_relaxed);
    for_each_lease([&](QuotaLease& lease) { free += lease.left.load(std::memory_order_relaxed); });
    return PageCount{free < limit_ ? limit_ - free : 0};
}

PageCount Quota::peak() const {
    const uint64_t seen = peak_.load(std::memory_order_relaxed), now = charged().raw();
    return PageCount{seen > now ? seen : now};
}

Quota::Objects Quota::count_objects() const {
    Objects objects{};
    for_each_lease([&](QuotaLease&) { ++objects.leases; });
    for (const auto& slot : directories_)
        if (slot.load(std::memory_order_relaxed) != nullptr) ++objects.directories;
    return objects;
}

}  // namespace shoal::vm
