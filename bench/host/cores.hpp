// One thread, and as many as the host has cores, by the wall clock.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <thread>

#include "base/cpu.hpp"

namespace shoal::vm::bench {

inline void one_and_all_cores(benchmark::internal::Benchmark* bench) {
    const int cores = std::min(static_cast<int>(std::thread::hardware_concurrency()), static_cast<int>(kMaxCpus));
    bench->Threads(1);
    if (cores > 1) bench->Threads(cores);
    bench->UseRealTime();
}

// CPUs of a machine for that many threads; thread i plays CPU i. Two at least: a machine with one has fewer paths to take.
inline uint32_t cpus_for(const benchmark::State& state) {
    return static_cast<uint32_t>(std::max(state.threads(), 2));
}

}  // namespace shoal::vm::bench
