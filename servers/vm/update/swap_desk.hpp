// SwapDesk: where those wait who have named a process that is just changing places with another one, and so was not found.
//
// A swap begins before its slots are closed, and ends after they are open again. Who reads `ended` before he looks for a process, and does not find
// it, either finds a swap under way, or sees that one has ended: then he looks once more.
#pragma once

#include <atomic>

#include "base/error.hpp"
#include "base/lock/guard.hpp"

namespace shoal::vm {

class Request;
struct Receipt;
struct WorkerContext;

class SwapDesk {
  public:
    // relaxed: a hint, but to who has the lock, or has not found a process that was closed after begin()
    [[nodiscard]] bool under_way() const { return under_way_.load(std::memory_order_relaxed) != 0; }
    [[nodiscard]] uint64_t ended() const { return ended_.load(std::memory_order_acquire); }  // pairs with end()

    // Whether a process that has not been found may have been changing places; ended: read before it was looked for.
    [[nodiscard]] bool may_have_hidden(uint64_t ended) const {
        return under_way_.load(std::memory_order_acquire) != 0 || ended != this->ended();  // pairs with end()
    }

    void begin(WorkerContext& context);
    void end(WorkerContext& context);

    // What it means that a message's process has not been found; ended: read before it was looked for. DoNotReply: it may have been changing places,
    // and the message will be dispatched once more. Errors: NoProcess: there is none; NoMemory: to put the message aside.
    [[gnu::cold]] Error explain_absence(WorkerContext& context, const Receipt& receipt, uint64_t ended);
    // A request whose process is being swapped; it goes on afterwards.
    void wait(WorkerContext& context, Request& request);

    // For the audit: visit(const Request*), the first of those who wait.
    template <typename Visit>
    void for_waiting(LockContext& worker, Visit visit) {
        Guard guard(worker, lock_);
        visit(waiting_);
    }

  private:
    SpinLock<VmRank::Depot> lock_;
    std::atomic<uint64_t> ended_{0};
    std::atomic<uint32_t> under_way_{0};
    Request* waiting_ GUARDED_BY(lock_) = nullptr;
};

}  // namespace shoal::vm
