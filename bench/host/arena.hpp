// The allocators' arena, which all threads of one benchmark share; thread i is worker i. Made and dropped around the run
// (Google Benchmark starts and ends every thread's loop together).
#pragma once

#include <memory>

#include "bench/host/cores.hpp"
#include "servers/vm/arena/host_arena.hpp"

namespace shoal::vm::bench {

inline std::unique_ptr<HostArena> shared_arena;

inline void make_arena(const benchmark::State& state) {
    shared_arena = std::make_unique<HostArena>(HostArena::Options{.bytes = 256 << 20, .cpus = cpus_for(state)});
}
inline void drop_arena(const benchmark::State&) { shared_arena.reset(); }

inline Worker& worker_of(const benchmark::State& state) {
    return shared_arena->worker(static_cast<uint32_t>(state.thread_index()));
}

inline void with_arena(benchmark::internal::Benchmark* bench) {
    bench->Setup(make_arena)->Teardown(drop_arena)->Apply(one_and_all_cores);
}

// What the machine's CPUs hold at the end; one thread tells it for all.
inline void count_frames(benchmark::State& state) {
    if (state.thread_index() == 0) state.counters["frames_in_use"] = static_cast<double>(shared_arena->frames_in_use());
}

}  // namespace shoal::vm::bench
