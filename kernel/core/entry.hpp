// Where the machine enters the core: on the CPU's own kernel stack, interrupts off, current thread saved.
//
// After each of these the machine calls next_thread() and leaves to it, or idles: for a while it watches, interrupts on, what
// begin_to_listen() names, then, with interrupts off again, asks whether it may_halt(): STI; HLT as a pair. Whoever returns a thread has done the switch of address space, FS, GS and FPU.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "kernel/core/mail/mailbox.hpp"

namespace shoal::kernel {
struct Thread;
}

namespace shoal::kernel::entry {

// These two return the thread to leave to, where it is clear at once; nullptr: ask next_thread().
Thread* on_syscall(Thread& current);  // SYSCALL or INT 0x80: RAX as abi/trap.hpp says
Thread* on_page_fault(Thread& current, VirtualAddress address, uint64_t error_code);
void on_exception(Thread& current, uint8_t vector, uint64_t error_code);  // of user code: kills its process, with a message
void on_timer();  // this CPU's one-shot timer
void on_wake();   // an IPI of machine::wake
void on_device_interrupt(uint8_t vector);

// The thread to run on this CPU now; nullptr: none, idle.
Thread* next_thread();

// Idling, when next_thread() has said nullptr; interrupts off, but for the watching.
// While the CPU listens, mail for it costs its sender no interrupt: the machine goes back to next_thread() as soon as the word
// is no longer `silent`. Of a word nullptr: at once.
Mailbox::Watch begin_to_listen();
// Ends the listening. False: mail has come, so back to next_thread().
bool may_halt();
// An interrupt has ended the listening or the halt; before it is served.
void end_idling();

}  // namespace shoal::kernel::entry
