// Stopping a whole process, and letting it go on: what process_stop, process_resume and a swap stand on.
//
// Each thread is held by its home: at once if it waits for the CPU or for anyone's message, otherwise when it is next about to run. It is in
// nobody's hands then: messages to it queue up, notifications and a reply are kept, and when it is resumed it receives anew. A thread that waits for
// an answer gets that first. The process is quiet when all its threads are held and none has an asynchronous message that is still to be
// taken; quiet_threads says so to whoever holds the process' lock.
//
// A node a thread carries the news, not the direction: its home looks at Process::stopping after it has given the node back, and who changes
// his mind stores before he claims. So one of the two sees the other.
#pragma once

#include "base/result.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/process.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// How many of its threads are not quiet yet; asked again, the same. 0: all are, and no news is on its way to any of them. Error: BadEndpoint (VM,
// too), DeadEndpoint; Invalid: the caller's own.
Result<uint64_t> stop_process(Cpu& cpu, const Process& caller, Endpoint endpoint);
// Of one that is not stopped: nothing. Error: likewise, but not Invalid.
Result<void> resume_process(Cpu& cpu, Endpoint endpoint);

// Under its lock: whether all its threads are held, with nothing under way.
bool is_quiet(const Process& process);
// Tells the home of a thread that has claimed its node: that its process is stopped or not, or that it has been swapped.
void post_hold(Thread& thread);

// The rest at the thread's home.
// Mail::Hold.
void on_hold(Cpu& cpu, Thread& thread);
// Its second half: the node has been given back, when the thread was of that process. By itself, since others may act between the two.
void heed(Cpu& cpu, Thread& thread, const Process& process);
// It is about to run, or has begun to receive, and kHold says that it must not go on.
void hold(Cpu& cpu, Thread& thread);
// A Held thread's asynchronous message has been taken.
void count_if_quiet(Thread& thread);
// Mail::Start. True: it is held, and will run when it is resumed.
bool start_held(Thread& thread);

}  // namespace shoal::kernel
