// Successor: the process that is to be VM's next instance. There is one at most; the name of one that has ended counts for nothing.
#pragma once

#include <atomic>

#include "abi/endpoint.hpp"
#include "base/result.hpp"

namespace shoal::vm {

class Successor {
  public:
    // lives(ProcessId): whether such a process is there. Error: Permission: another one is the successor.
    template <typename Lives>
    Result<void> claim(ProcessId process, Lives lives) {
        // relaxed: nothing is read by way of the name
        uint32_t current = process_.load(std::memory_order_relaxed);
        do {
            if (current != process.raw() && current != kNobody && lives(ProcessId{current})) return Error::Permission;
        } while (!process_.compare_exchange_weak(current, process.raw(), std::memory_order_relaxed));
        return {};
    }
    void give_up(ProcessId process) {
        uint32_t current = process.raw();
        (void)process_.compare_exchange_strong(current, kNobody, std::memory_order_relaxed);
    }

  private:
    static constexpr uint32_t kNobody = 0;  // generation 0 is no process'
    std::atomic<uint32_t> process_{kNobody};
};

}  // namespace shoal::vm
