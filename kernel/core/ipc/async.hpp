// Asynchronous messages: a table in the sender's memory, from which each receiver gets its own when it receives.
//
// The table is read and written by the sender's home alone. A process has one, its first thread's. PROTOCOL.md has the exchange
// between CPUs: the sender's home offers the entries one after the other; who does not wait for his now remembers the
// sender, and asks for it when he next receives.
#pragma once

#include "kernel/core/cpu.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// Trap SendAsync of the current thread: RDX the table, R8 the number of entries; replaces the table it had.
void send_async(Cpu& cpu, Thread& sender);

// At a home where some page of the table was absent when it was needed, or after a move: before the sender runs again, its table
// is made present and what is open is offered anew. The sender may be in VM's hands afterwards.
void restore_async(Cpu& cpu, Thread& sender);
// VM has answered the request of restore_async().
void restored_async(Thread& sender, Error outcome);

// A destination has died: the open entries for it, of senders of this CPU, fail.
void fail_async_to(Cpu& cpu, Endpoint dead);
// An asynchronous message that `from` admits, if a sender is remembered that has one; of one sender in the order of its
// table. True: it is in the receiver's registers, or the receiver is Asking for it.
bool take_async(Cpu& cpu, Thread& receiver, Endpoint from, bool non_blocking);
// It has come. (If none was there, the receiver receives anew.)
void async_pulled(Cpu& cpu, Thread& receiver);

// Mail::AsyncOffer at the destination's home, AsyncOffered at the sender's, AsyncPull at the sender's.
void on_async_offer(Cpu& cpu, Thread& sender);
void on_async_offered(Cpu& cpu, Thread& sender);
void on_async_pull(Cpu& cpu, Thread& receiver);

}  // namespace shoal::kernel
