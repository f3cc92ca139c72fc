// PM's calls and what it does when processes have stopped. One thread, which never waits for a program; its loop is main.cpp.
#pragma once

#include "abi/message.hpp"
#include "servers/pm/builder.hpp"
#include "servers/pm/process_table.hpp"
#include "servers/pm/reaper.hpp"

namespace shoal::pm {

class Server {
  public:
    // Sized as the kernel's tables. Error: NoMemory.
    Result<void> initialise(uint32_t process_slots, uint32_t thread_slots) {
        return table_.initialise(process_slots, thread_slots);
    }

    // A program's request, turned into its answer but for the outcome, which is returned. DoNotReply: the answer comes later.
    Error handle(Message& message);
    // The kernel has notified: processes have stopped.
    void collect_stopped() { reaper_.collect(); }

  private:
    Error spawn(ProcessRecord& caller, Message& message);
    Error wait(ProcessRecord& caller, Message& message);
    Error kill(ProcessRecord& caller, const Message& message);

    ProcessTable table_;
    Builder builder_{table_};
    Reaper reaper_{table_};
};

}  // namespace shoal::pm
