// Arguments of the benchmark programs: words of the form name=value.
#pragma once

#include <cstdint>

namespace shoal::bench {

struct Options {
    uint64_t rounds = 4;        // of a workload, in each of warming up and measuring
    uint64_t repeats = 3;       // of a measurement; the table shows the median
    uint64_t cpus = 0;          // at most so many are used; 0: all
    uint64_t from = 1;          // the least number of actors that is measured
    const char* filter = "";    // only workloads whose name contains it
    // Set for a process that a suite has spawned to act in it.
    bool is_actor = false;
    uint64_t actor = 0;
    uint64_t control = 0;       // address of the suite's Control

    // False, and a line that says why, if a word is not understood.
    bool parse(int argument_count, char** arguments);
};

}  // namespace shoal::bench
