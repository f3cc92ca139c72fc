// The family tree: who is whose child, who has ended, who waits. It holds facts; kernel and VM are asked elsewhere.
#pragma once

#include "base/result.hpp"
#include "servers/pm/process_record.hpp"

namespace shoal::pm {

class ProcessTable {
  public:
    ProcessTable() = default;
    ~ProcessTable() {
        delete[] records_;
        delete[] waiters_;
    }
    ProcessTable(const ProcessTable&) = delete;
    ProcessTable& operator=(const ProcessTable&) = delete;

    // Sized as the kernel's tables. NoMemory: they did not fit.
    Result<void> initialise(uint32_t process_slots, uint32_t thread_slots);

    // The record of a living process that PM knows, or nullptr.
    ProcessRecord* find(ProcessId process);
    // As find, whatever its state but Free.
    ProcessRecord* find_slot(ProcessId process);
    // The child or farther descendant of that name, or nullptr.
    ProcessRecord* find_descendant(ProcessRecord& ancestor, Endpoint name);
    ProcessRecord& root() { return *root_; }  // RS, the parent of orphans

    // A process that the kernel has just made; its slot was free.
    ProcessRecord& add(ProcessRecord& parent, ProcessId process, Endpoint endpoint);
    // Living -> Ended: goes from its parent's children to the ended ones.
    void mark_ended(ProcessRecord& record);
    // Forgets it. It has no children, no ended children and no waiters any more.
    void remove(ProcessRecord& record);
    void adopt(ProcessRecord& orphan, ProcessRecord& new_parent);

    // Waiters, oldest first.
    void add_waiter(ProcessRecord& process, Endpoint thread, Endpoint wanted);
    // Takes the oldest waiter of the parent that takes this child; kNone: there is none.
    Endpoint take_waiter_for(const ProcessRecord& child);
    // Takes any waiter that waits for something which is no child of its process any more; kNone: there is none.
    Endpoint take_idle_waiter(ProcessRecord& process);
    void drop_waiters(ProcessRecord& process);

    // wanted: kAny or a name.
    static ProcessRecord* find_ended(ProcessRecord& parent, Endpoint wanted);
    static bool has_living(ProcessRecord& parent, Endpoint wanted);

  private:
    ProcessRecord* records_ = nullptr;
    Waiter* waiters_ = nullptr;
    uint32_t process_slots_ = 0, thread_slots_ = 0;
    ProcessRecord* root_ = nullptr;
};

}  // namespace shoal::pm
