// The receiving half of the traps. Servers that have done with everything wait for anyone: that, inlined, is all that direct
// handoffs need of it.
#pragma once

#include "kernel/core/ipc/probe.hpp"
#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

// What is there for the receiver: notifications first, then the kernel's own messages to a worker, then asynchronous messages,
// then senders in order of arrival. Nothing: it waits, or gets NotReady.
void receive_any_way(Cpu& cpu, Thread& receiver, Endpoint from, Waiting waiting);

// The same. The second half of Resume and of ReplyReceive too.
inline void receive_next(Cpu& cpu, Thread& receiver, Endpoint from, Waiting waiting) {
    const bool nothing_there = receiver.pending == 0 && receiver.callers.empty();
    if (!nothing_there || from != kAny || waiting != Waiting::Allowed) [[unlikely]]
        return receive_any_way(cpu, receiver, from, waiting);
    receiver.state = ThreadState::Receiving;
    receiver.receive_from = kAny;
    receiver.wait_stamp = probe_clock_now();
    block_current(cpu, receiver);
}

}  // namespace shoal::kernel
