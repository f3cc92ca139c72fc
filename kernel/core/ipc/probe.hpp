// The search for cycles of waiting threads: at once where all of a chain lives on one CPU, by a probe that travels along it
// where not. PROTOCOL.md argues why every cycle is found and none is reported that is not there.
#pragma once

#include "kernel/core/cpu.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

// Counts probes. A wait is stamped with it when it begins; a probe that started at count t takes only waits stamped <= t
// for members of its cycle, so that all of them waited at the moment it started.
inline std::atomic<uint64_t> probe_clock{0};

// Relaxed on purpose: x86 keeps it after the locked posts of the same CPU, and it is no more than a load on the fast path.
inline uint64_t probe_clock_now() { return probe_clock.load(std::memory_order_relaxed); }

enum class Chain : uint8_t { Ends, Cycle, Leaves };
enum class ChainStart : uint8_t { Sending, Receiving };

// From `partner` on along the threads of this CPU: would a wait of `initiator` for it close a cycle? Leaves: unknown, the
// chain goes on elsewhere.
Chain follow_chain(Cpu& cpu, const Thread& initiator, const Thread& partner, ChainStart start);

// Sends the probe of a thread that waits (its home, or the CPU in whose hands it is) along its chain.
void start_probe(Thread& initiator);
void on_probe(Cpu& cpu, Thread& initiator);
void on_probe_home(Cpu& cpu, Thread& initiator);

}  // namespace shoal::kernel
