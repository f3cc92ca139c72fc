// The memory in which a suite and its actors meet; actors that are processes share it at the same address.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/cpu.hpp"

namespace shoal::bench {

// What a process' work leaves allocated: frames of its pages, which a flush may still hold, and VM's objects.
struct Holdings {
    uint64_t pages, objects;
};

struct Control {
    struct alignas(kCacheLine) Stretch {
        uint64_t start, end;  // nanoseconds since boot
    };
    // Where all actors wait for the last of them. Each word on a line of its own: they spin on one while others change the next.
    struct Gate {
        alignas(kCacheLine) std::atomic<uint32_t> arrived;
        alignas(kCacheLine) std::atomic<uint32_t> open;
        void close() {
            arrived.store(0, std::memory_order_relaxed);
            open.store(0, std::memory_order_relaxed);
        }
    };
    Gate started, present, begin, done;
    alignas(kCacheLine) std::atomic<uint32_t> ready;  // actors that have warmed up
    alignas(kCacheLine) std::atomic<uint32_t> go;     // for all of them
    alignas(kCacheLine) uint32_t workload;  // index in the suite
    uint32_t actors;
    uint64_t rounds;
    Holdings before, after;  // the stretches
    Stretch stretches[kMaxCpus];
};

// Of an actor in a process of its own.
inline Control* own_control = nullptr;

}  // namespace shoal::bench
