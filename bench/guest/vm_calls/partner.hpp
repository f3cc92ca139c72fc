// Partner: a process beside the actor's and on its CPU, a copy of it that does a task of its own. It ends with the object.
#pragma once

#include <atomic>

#include "bench/guest/vm_calls/copied_process.hpp"

namespace shoal::bench {

class Partner {
  public:
    // Uses nothing of the library that is of a thread: the kernel alone starts it. When it returns, the partner waits for messages.
    using Task = void (*)();
    using Flag = std::atomic<bool>;
    // priority: no better than the actor's. Needs ProgramRole::ProcessManager; where it cannot be made the actor fails.
    Partner(Task task, unsigned cpu, uint32_t priority);
    ~Partner();
    Partner(const Partner&) = delete;
    Partner& operator=(const Partner&) = delete;

    // Until the task is done. The partner is to be as urgent as the actor.
    void await() const;
    // While it waits. Returns when nothing of it is under way.
    void stop() const;

    [[nodiscard]] Endpoint endpoint() const { return copy_.endpoint(); }
    [[nodiscard]] ProcessId process() const { return copy_.process(); }

  private:
    Flag& done_;
    CopiedProcess copy_;
};

}  // namespace shoal::bench
