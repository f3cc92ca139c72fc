// The tables of threads and processes: type-stable, sized at boot. Lookups take no lock.
#pragma once

#include <span>

#include "abi/kernel_info.hpp"
#include "base/lock/guard.hpp"
#include "kernel/core/boot.hpp"
#include "kernel/core/process.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

struct Tables {
    std::span<Thread> threads;
    std::span<Process> processes;
    std::span<Cpu> cpus;
};
inline Tables tables;  // constant after initialise()

// The block of an endpoint's slot, whatever incarnation it holds now; nullptr if there is no such slot.
inline Thread* thread_slot(Endpoint endpoint) {
    const uint32_t slot = endpoint.slot();
    if (endpoint.raw() >> 31 != 0 || slot >= tables.threads.size()) return nullptr;
    return &tables.threads[slot];
}

// The living thread of that name at this moment, or nullptr. Only its home can rely on it.
inline Thread* find_thread(Endpoint endpoint) {
    const uint32_t slot = endpoint.slot();
    if (slot >= tables.threads.size()) return nullptr;
    Thread& thread = tables.threads[slot];
    return thread.endpoint() == endpoint ? &thread : nullptr;  // reserved names are no thread's
}

inline Process* find_process(ProcessId id) {
    if (id.slot() >= tables.processes.size() || id.raw() == 0) return nullptr;
    Process* process = &tables.processes[id.slot()];
    return process->id() == id ? process : nullptr;
}

inline uint32_t slot_of(const Process& process) { return static_cast<uint32_t>(&process - tables.processes.data()); }
// Of a living thread, at its home.
inline uint32_t process_slot_of(const Thread& thread) { return thread.process_slot.load(std::memory_order_relaxed); }
inline uint32_t slot_of(const Thread& thread) { return static_cast<uint32_t>(&thread - tables.threads.data()); }

// What a program may name as the place of a thread.
inline bool valid_affinity(uint64_t cpu) { return cpu == kAnyCpu || cpu < tables.cpus.size(); }

}  // namespace shoal::kernel
