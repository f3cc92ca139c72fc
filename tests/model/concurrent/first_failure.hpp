// FirstFailure: what some worker saw first that cannot be; the others stop.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

namespace shoal::model {

class FirstFailure {
  public:
    void report(const std::string& what) {
        const std::lock_guard guard(lock_);
        if (what_.empty()) what_ = what;
        failed_.store(true, std::memory_order_relaxed);
    }
    bool seen() const { return failed_.load(std::memory_order_relaxed); }
    // After the workers have ended.
    std::string what() const { return what_; }

  private:
    std::mutex lock_;
    std::string what_;
    std::atomic<bool> failed_{false};
};

}  // namespace shoal::model
