// The end of threads and processes. A thread is ended by its home; its slot is free only when every node of it is back and
// nobody else's hands hold it, so that a request never meets the slot's next thread unnoticed.
#pragma once

#include "kernel/core/cpu.hpp"
#include "kernel/core/process.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// A thread of this CPU ends, whatever it is doing. Its partners get DeadSourceOrDestination.
void end_thread(Cpu& cpu, Thread& thread);
// It was in another CPU's hands when it was ended, and has come back.
void finish_ending(Cpu& cpu, Thread& thread);

// A claimable node of a thread of this CPU has been handled: free again, or one less to wait for.
void give_back(Cpu& cpu, Thread& thread, ClaimableNode& node);
// A node that an ended thread waited for.
void node_is_back(Cpu& cpu, Thread& thread);

// Mail::Stop, Mail::PartnerDied.
void on_stop(Cpu& cpu, Thread& thread);
void on_partner_died(Cpu& cpu, Thread& dead);

// Ends every thread of a process, wherever it lives; the manager is notified when the last one has ended. DeadEndpoint: it
// is ending already. The caller's own thread, if it is one of them, ends before it sees user mode again.
Error kill_process(Cpu& cpu, Process& process, int64_t status);

}  // namespace shoal::kernel
