// Answer of the kernel call info, and the numbers that go with CPUs and priorities.
#pragma once

#include <cstdint>

#include "abi/endpoint.hpp"

namespace shoal {

inline constexpr uint64_t kAnyCpu = ~uint64_t{0};

struct KernelInfo {
    Endpoint self;             // of the calling thread
    ProcessId process;
    uint32_t cpus;             // that run
    uint32_t cpu;              // on which the caller runs now
    uint64_t tsc_khz;          // 0 where the TSC is not the clock
    uint64_t process_slots, processes;
    uint64_t thread_slots, threads;
    uint64_t kernel_frames;    // taken by the kernel: image, tables, per-CPU areas
    char command_line[512];
};

}  // namespace shoal
