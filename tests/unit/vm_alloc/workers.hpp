// Threads that play workers: thread i is CPU i of the arena.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "servers/vm/arena/host_arena.hpp"

namespace shoal::vm::test {

// A new seed each run; printed with every failure in the scope, and taken from GTEST_RANDOM_SEED where that is set.
inline uint64_t fresh_seed() {
    const int32_t given = GTEST_FLAG_GET(random_seed);
    return given != 0 ? static_cast<uint64_t>(given) : std::random_device{}();
}

template <typename Body>
void run_workers(HostArena& arena, Body body) {
    std::vector<std::thread> threads;
    for (uint32_t cpu = 0; cpu < arena.header().cpus; ++cpu) {
        threads.emplace_back([&arena, &body, cpu] { body(arena.worker(cpu)); });
    }
    for (auto& thread : threads) thread.join();
}

// Everything back in the pool: two rounds, since the first sends batches that the second receives.
inline void drain_all(HostArena& arena) {
    for (int round = 0; round < 2; ++round) {
        for (uint32_t cpu = 0; cpu < arena.header().cpus; ++cpu) arena.worker(cpu).slabs.drain();
        for (uint32_t cpu = 0; cpu < arena.header().cpus; ++cpu) arena.worker(cpu).frames.drain();
    }
}

inline uint64_t total_frames(const HostArena& arena) {
    uint64_t sum = 0;
    for (const FrameRange& range : arena.memory()) sum += range.count;
    return sum;
}

// Guarantee: every frame is permanent, free in the pool, in a cache, or in use; none twice, none lost.
inline void expect_frames_add_up(const HostArena& arena) {
    uint64_t cached = 0;
    for (uint32_t cpu = 0; cpu < arena.header().cpus; ++cpu) {
        cached += arena.worker(cpu).frames.cached() + arena.worker(cpu).frames.inbox_length();
    }
    EXPECT_EQ(arena.header().permanent_pages + arena.pool().free_frames() + cached +
                  arena.frames_in_use(),
              total_frames(arena));
}

}  // namespace shoal::vm::test
