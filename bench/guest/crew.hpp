// The actors of one measurement: made, released together, timed, gathered.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "bench/guest/control.hpp"
#include "bench/guest/workload.hpp"
#include "libc-min/process.hpp"

namespace shoal::bench {

// What an actor does. Runs on the CPU to which it is already pinned.
void act(Control& control, const Workload& workload, unsigned id);

class Crew {
  public:
    // program: the image that actors in processes of their own are spawned from.
    Crew(Control& control, const char* program) : control_(control), program_(program) {}

    // One measurement. Returns the nanoseconds from the first actor's start to the last one's end. Error: an actor could not be made, or has ended
    // in the middle, which has been printed; then none is left.
    Result<uint64_t> measure(const Workload& workload);

  private:
    Result<void> start_threads(const Workload& workload);
    Result<void> start_processes(ProgramRole role);
    Result<void> await_ready(const Workload& workload);
    Result<void> look_for_the_ended(const Workload& workload);
    Result<void> gather(const Workload& workload);
    Error report_end(const Workload& workload, const EndedChild& ended);
    void end_processes();
    Result<uint64_t> measure_begun(const Workload& workload);
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
    Endpoint processes_[kMaxCpus];  // kNone: none, or it has ended
};

}  // namespace shoal::bench
