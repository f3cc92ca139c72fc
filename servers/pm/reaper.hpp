// Takes ended processes apart: space, family, slots; and tells who waits. The kernel notifies PM when all threads of a process
// have stopped, for whatever reason; notifications melt into one, so each leads to collecting all that have stopped.
#pragma once

#include "servers/pm/process_table.hpp"

namespace shoal::pm {

class Reaper {
  public:
    explicit Reaper(ProcessTable& table) : table_(table) {}

    void collect();
    // Frees an ended process' slots and forgets it: its parent has its status.
    void release(ProcessRecord& record);

  private:
    void bury(ProcessRecord& record);
    void settle_family(ProcessRecord& record);
    void tell_parent(ProcessRecord& record);
    void answer_idle_waiters(ProcessRecord& parent);

    ProcessTable& table_;
};

}  // namespace shoal::pm
