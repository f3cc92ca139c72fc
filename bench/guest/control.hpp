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
    // Each on a line of its own: the actors spin on one while others change the next.
    alignas(kCacheLine) std::atomic<uint32_t> started;
    alignas(kCacheLine) std::atomic<uint32_t> ready;
    alignas(kCacheLine) std::atomic<uint32_t> go;
    alignas(kCacheLine) std::atomic<uint32_t> done;
    alignas(kCacheLine) std::atomic<uint32_t> counted;  // what is left has been looked at
    alignas(kCacheLine) uint32_t workload;  // index in the suite
    uint32_t actors;
    uint64_t rounds;
    Holdings before, after;  // the stretches
    Stretch stretches[kMaxCpus];
};

}  // namespace shoal::bench
