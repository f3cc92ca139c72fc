// What the rest of the core asks of kernel/core/space/, which implements it. tests/support has a plain one for tests of IPC
// and scheduling alone. All run on the calling CPU, interrupts off.
#pragma once

#include "base/address.hpp"
#include "base/error.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/process.hpp"

namespace shoal::kernel::space {

// Loads the address space of the thread that is about to run, if this CPU has another one loaded.
void enter(Cpu& cpu, Thread& next);
// The CPU idles: it keeps whatever is loaded, but a worker that was running is offline (reclamation epochs).
void idle(Cpu& cpu);

// User memory of the caller's process. DoNotReply: a page was absent, the caller is in VM's hands and the kernel call is
// replayed when VM has provided it; so call these before the first effect. BadAddress: never possible.
Error read_user(Thread& caller, void* to, VirtualAddress from, uint64_t bytes);
Error write_user(Thread& caller, VirtualAddress to, const void* from, uint64_t bytes);
// The same, but never waiting: BadAddress if a page is absent. With a lock held, or on behalf of a thread that cannot wait.
Error read_user_now(Process& process, void* to, VirtualAddress from, uint64_t bytes);
Error write_user_now(Process& process, VirtualAddress to, const void* from, uint64_t bytes);

// Trap Resume of a worker; leaves the worker receiving or with its result in its registers.
void on_resume(Cpu& cpu, Thread& worker);
// Mail of kind Mail::Space.
void on_mail(Cpu& cpu, MailNode& node);
// The stock of table frames is low: kTablesLow goes into what the worker receives.
bool tables_low(const Cpu& cpu);
// ReplyReceive with kFlushPartner: the space of that process slot is flushed on this CPU before it is used again.
void flush_at_next_load(Cpu& cpu, uint32_t process_slot);
// A worker has declared itself; epoch: an aligned word in VM's space where its quiescent states are published.
Error set_worker_epoch(Cpu& cpu, Thread& worker, VirtualAddress epoch);

// A worker has received its next request without waiting, or found none and does not wait: its epoch moves.
void worker_received(Cpu& cpu);

// True if no CPU holds tables of the process any more: its slot may be freed.
bool gone(const Process& process);

}  // namespace shoal::kernel::space
