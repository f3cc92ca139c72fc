// What a suite measures: rounds of work that actors, one pinned to each of the first CPUs, do at the same time.
#pragma once

#include <cstdint>

namespace shoal::bench {

enum class Actors : uint8_t { Threads, Processes };

struct Workload {
    const char* name;
    Actors actors;
    uint64_t operations;               // in a round
    void (*round)(unsigned id);        // actor 0.. ; runs on CPU id
    void (*prepare)(unsigned actors) = nullptr;  // by the suite, before the actors exist; not for processes
    void (*finish)(unsigned actors) = nullptr;
};

}  // namespace shoal::bench
