// Taking and freeing of process and thread slots, and the steps of a process' life that several CPUs may take: under the lock of that
// process, so that what happens to one has nothing in common with what happens to another.
#pragma once

#include "base/lock/guard.hpp"
#include "kernel/core/objects/tables.hpp"

namespace shoal::kernel {

struct NewProcess {
    Endpoint endpoint;
    ProcessId process;
};

struct ThreadStart {
    VirtualAddress entry, stack;
    uint64_t argument;
    uint64_t tls;
    uint64_t affinity;  // a CPU or kAnyCpu
};

// The name of a slot's incarnation, also while the thread is ending and find_thread() finds it no more.
inline Endpoint full_name(const Thread& thread) { return Endpoint::of(slot_of(thread), thread.generation); }

// Fills the free lists; whatever they held before is forgotten.
void initialise_slots();

// Any free slots, or those asked for (boot). The thread is Stopped. Again: no free slot.
Result<NewProcess> create_process(Cpu& cpu, const char* title, Endpoint manager, Endpoint parent);
NewProcess create_process_at(Cpu& cpu, uint32_t process_slot, uint32_t thread_slot, const char* title);
Thread& create_worker_at(Cpu& cpu, Process& process, uint32_t slot);
// VM's first thread is one of its workers.
void make_worker(Thread& thread);
// One of VM's threads; its process runs from the first of them on.
void start_created_thread(Cpu& cpu, Thread& thread, const ThreadStart& start);

// The process whose first thread has or had that name and whose slots are still taken.
Result<Process*> find_by_first_thread(Cpu& cpu, Endpoint endpoint);
Result<void> start_process(Cpu& cpu, Endpoint endpoint, const ThreadStart& start);
// Again: no slot, or the process is ending.
Result<Endpoint> create_thread(Cpu& cpu, Process& process, const ThreadStart& start);
Result<void> set_privileges(Cpu& cpu, Endpoint endpoint, const Privileges& privileges);
void set_privileges(Process& process, Thread& first, const Privileges& privileges);
Result<void> release_process(Cpu& cpu, Endpoint endpoint);

// The last that is heard of a thread: no node of it is away.
void thread_is_gone(Cpu& cpu, Thread& thread);
// The Stop mail has arrived. True if thread_is_gone() had to wait for it.
bool stop_is_handled(Cpu& cpu, Thread& thread);

struct SlotCounts {
    uint32_t processes, threads;
};
// An estimate while CPUs make and end some.
SlotCounts slots_in_use();

}  // namespace shoal::kernel
