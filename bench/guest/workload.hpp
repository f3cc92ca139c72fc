// What a suite measures: rounds of work that actors, one pinned to each of the first CPUs, do at the same time.
#pragma once

#include <cstdint>

#include "abi/pm_calls.hpp"

namespace shoal::bench {

enum class Actors : uint8_t { Threads, Processes };

// What an actor does that is done before the others. Its CPU is to stay busy, so that they meet the same contention.
enum class Waiting : uint8_t {
    Spins,
    Yields,  // where CPUs also run what serves the other actors
};

struct Workload {
    const char* name;
    Actors actors;
    uint64_t operations;               // in a round
    void (*round)(unsigned id);        // actor 0.. ; runs on CPU id
    void (*prepare)(unsigned actors) = nullptr;  // by the suite, before the actors exist; not for processes
    void (*finish)(unsigned actors) = nullptr;
    Waiting waiting = Waiting::Spins;
    ProgramRole role = ProgramRole::User;  // of actors in processes; the suite needs it too
};

}  // namespace shoal::bench
