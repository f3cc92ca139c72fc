// A suite: its workloads, each measured with 1, 2, 4 .. actors up to the number of CPUs, and reported.
#pragma once

#include <span>

#include "bench/guest/workload.hpp"

namespace shoal::bench {

// The whole of a benchmark program's main(). Returns its exit status.
int run_suite(const char* name, std::span<const Workload> workloads, int argument_count,
              char** arguments);

}  // namespace shoal::bench
