// RequestDesk: the requests that one CPU's worker has to go on with. Its own go to the ready queue; other workers put
// theirs into the inbox and call the worker through the kernel.
//
// Inbox: many producers push by compare-and-swap, the owner takes all by exchange (Treiber's stack without pop, hence
// without its ABA problem). Progress: lock-free to push, wait-free to take. Order: first in, first out per producer.
#pragma once

#include <atomic>

#include "base/lock/guard.hpp"
#include "servers/vm/requests/request.hpp"

namespace shoal::vm {

class FlushBatch;

class RequestDesk {
  public:
    // By the owner.
    void push_ready(Request& request);
    // A step of long work has been done, and more follow: first it is the turn of the CPU's threads.
    void push_more(Request& request) {
        push_ready(request);
        gives_way = true;
    }
    // After a step of it, which may have been the last.
    void push(Request& request) { request.finished ? push_ready(request) : push_more(request); }
    [[nodiscard]] Request* pop_ready();
    void collect();  // inbox into the ready queue
    [[nodiscard]] bool has_work() const {
        // One test of all words together: this is asked after every message.
        const auto* arrived = inbox_.load(std::memory_order_relaxed);
        return (reinterpret_cast<uint64_t>(first_ready_) | reinterpret_cast<uint64_t>(unposted) |
                reinterpret_cast<uint64_t>(arrived) | graces) != 0;
    }

    // For the audit: visit(const Request*), the first of a chain.
    template <typename Visit>
    void for_each_chain(Visit visit) const {
        visit(first_ready_);
        visit(inbox_.load(std::memory_order_relaxed));
    }

    // By any worker; the caller then calls the owner.
    void push_remote(Request& request);

    bool gives_way = false;  // until the next step

    // Batches that the kernel could not take yet, and those under way (for the audit).
    FlushBatch* unposted = nullptr;
    FlushBatch* posted = nullptr;

    // Range operations begun here and not answered yet, wherever they wait: each holds a RangeReserve.
    uint32_t range_operations = 0;

    // Exits, trims and leaves whose grace period runs: the worker does not block meanwhile.
    uint32_t graces = 0;

    // LeafTrim: its request, the shortage's round that it answers, the process slot it has come to, whether it is under way, and
    // the dead leaves in their first grace period.
    Request trim{RequestKind::Trim, Receipt{}, CpuId{}};
    uint64_t trim_round = 0;
    uint32_t trim_slot = 0;
    bool trimming = false;
    FlushBatch* dead_leaves = nullptr;

    // What of the cache is being evicted (begin_eviction()); the trim ends after it.
    Request eviction{RequestKind::Evict, Receipt{}, CpuId{}};
    bool evicting = false;

    // The call that found the stocks empty (hold()). While there is one the worker receives from the kernel alone.
    Request held{RequestKind::Held, Receipt{}, CpuId{}};
    bool holding = false;

    // The last shortage that this worker has answered by draining.
    std::atomic<uint64_t> drained_round{0};

  private:
    Request* first_ready_ = nullptr;
    Request* last_ready_ = nullptr;
    alignas(kCacheLine) std::atomic<Request*> inbox_{nullptr};
};

// Shortage: calling in memory from all workers. A request that found none waits for a round; in it each worker gives up what
// it caches; then the request is tried once more.
class Shortage {
  public:
    SpinLock<VmRank::Depot> lock;
    Request* waiting GUARDED_BY(lock) = nullptr;

    [[nodiscard]] uint64_t round() const { return round_.load(std::memory_order_acquire); }  // pairs with begin()
    uint64_t begin() { return round_.fetch_add(1, std::memory_order_acq_rel) + 1; }          // pairs with round()

  private:
    alignas(kCacheLine) std::atomic<uint64_t> round_{0};
};

}  // namespace shoal::vm
