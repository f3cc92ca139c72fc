// Threads that sleep on a word of memory, in buckets by (space, address), each with a lock of rank WaitBucket.
//
// Guarantee: the comparison of the word and the going to sleep are one step to every waker: both hold the bucket's lock,
// and who wakes has changed the word before. Wakes go to sleepers in order of arrival.
#pragma once

#include "base/lock/spin_lock.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// Before the first wait; the kernel runs no static constructors.
void initialise_waits();

// The current thread sleeps while the word holds expected. timeout [ns from now], 0: none. Again: it holds something else.
// DoNotReply: it sleeps, or its page has to be provided first.
Error wait_on_word(Cpu& cpu, Thread& thread, VirtualAddress address, uint32_t expected, uint64_t timeout);
// Returns how many were woken.
uint64_t wake_word(Cpu& cpu, Process& process, VirtualAddress address, uint64_t count);

// For the end of a thread of this CPU: true if it was taken out, false if its wake is under way.
bool leave_wait_bucket(Cpu& cpu, Thread& thread);
void wait_timed_out(Cpu& cpu, Thread& thread);
// Mail::Wake at the sleeper's home.
void on_wake_mail(Cpu& cpu, Thread& thread);

}  // namespace shoal::kernel
