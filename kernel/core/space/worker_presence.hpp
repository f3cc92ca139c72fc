// WorkerPresence: keeps the epoch word of this CPU's VM worker (abi/worker_epoch.hpp).
//
// The word moves when the worker has let go of its pointers: it received the next request, or waits for one. A worker that
// is merely interrupted keeps its epoch.
#pragma once

#include "abi/worker_epoch.hpp"

namespace shoal::kernel::space {

class WorkerPresence {
  public:
    void set_word(WorkerEpoch* word) { word_ = word, inside_ = false; }

    [[nodiscard]] bool inside() const { return inside_; }
    // The worker is about to run. True if it comes back from waiting: a full barrier must follow before its first load.
    [[nodiscard]] bool enter() {
        if (word_ == nullptr || inside_) return false;
        word_->enter();
        return inside_ = true;
    }
    // The worker received the next request without waiting: its old pointers are gone.
    void received_next() {
        if (word_ != nullptr) word_->enter_fenced();
    }
    // The worker waits, and something else runs, or nothing.
    void left() {
        if (word_ == nullptr || !inside_) return;
        word_->leave();
        inside_ = false;
    }

  private:
    WorkerEpoch* word_ = nullptr;
    bool inside_ = false;
};

}  // namespace shoal::kernel::space
