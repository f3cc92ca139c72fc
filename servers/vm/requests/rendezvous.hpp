// Rendezvous: all workers but one stand still, between two requests, while that one looks at everything (the audit).
//
// Guarantees. (a) Between hold() and let_go() no other worker is inside a request, or touches the arena but for this object.
// (b) What they did before is visible to the holder, and the other way round. Progress: blocking. A worker that wants to hold
// while another holds joins that one first.
#pragma once

#include <atomic>

#include "base/cpu.hpp"
#include "base/lock/lock_context.hpp"

namespace shoal::vm {

class Rendezvous {
  public:
    // By a worker that is asked, between two requests: stands still if someone holds.
    void join(LockContext& context) {
        while (holder_.load(std::memory_order_acquire) != kNobody) {  // pairs with hold() and let_go()
            // Before arriving: the holder may let go at once.
            const uint64_t round = round_.load(std::memory_order_acquire);  // pairs with let_go()
            if (holder_.load(std::memory_order_acquire) == kNobody) return;  // as above
            arrived_.fetch_add(1, std::memory_order_acq_rel);          // pairs with wait_for()
            while (round_.load(std::memory_order_acquire) == round) relax(context);  // pairs with let_go()
        }
    }
    // True if this worker holds now; false: another one does, join it and try again.
    [[nodiscard]] bool hold(CpuId cpu) {
        uint32_t nobody = kNobody;
        return holder_.compare_exchange_strong(nobody, cpu.raw(), std::memory_order_acq_rel);  // pairs with join()
    }
    // After the others have been called: until all of them stand still.
    void wait_for(LockContext& context, uint32_t others) {
        while (arrived_.load(std::memory_order_acquire) != others) relax(context);  // pairs with join()
    }
    void let_go() {
        arrived_.store(0, std::memory_order_relaxed);
        holder_.store(kNobody, std::memory_order_release);  // pairs with join()
        round_.fetch_add(1, std::memory_order_acq_rel);     // pairs with join()
    }
    [[nodiscard]] bool wanted() const { return holder_.load(std::memory_order_relaxed) != kNobody; }

  private:
    static constexpr uint32_t kNobody = ~0u;
    static void relax(LockContext& context) {
        __builtin_ia32_pause();
        relax_while_spinning(context);
    }
    std::atomic<uint32_t> holder_{kNobody};
    std::atomic<uint32_t> arrived_{0};
    std::atomic<uint64_t> round_{0};
};

}  // namespace shoal::vm
