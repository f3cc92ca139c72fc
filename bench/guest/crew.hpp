// The actors of one measurement: made, released together, timed, gathered.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "bench/guest/control.hpp"
#include "bench/guest/workload.hpp"

namespace shoal::bench {

// What an actor does. Runs on the CPU to which it is already pinned.
void act(Control& control, const Workload& workload, unsigned id);

class Crew {
  public:
    // program: the image that actors in processes of their own are spawned from.
    Crew(Control& control, const char* program) : control_(control), program_(program) {}

    // One measurement. Returns the nanoseconds from the first actor's start to the last one's end.
    Result<uint64_t> measure(const Workload& workload);

  private:
    Result<void> start_threads(const Workload& workload);
    Result<void> start_processes(ProgramRole role);
    Result<void> gather(Actors actors);
    uint64_t span() const;

    Control& control_;
    const char* program_;
    struct ThreadStart {
        Crew* crew;
        const Workload* workload;
        unsigned id;
        uintptr_t thread;
    };
    ThreadStart threads_[kMaxCpus];
};

}  // namespace shoal::bench
