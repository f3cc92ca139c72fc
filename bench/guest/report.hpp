// Results of a suite, as lines while it runs, as a table and as Google Benchmark's JSON when it has ended.
#pragma once

#include <cstdint>

#include "bench/guest/workload.hpp"

namespace shoal::bench {

struct Measurement {
    const Workload* workload;
    unsigned actors;
    unsigned repetition;
    uint64_t operations;   // of each actor
    uint64_t nanoseconds;  // first start to last end
    // Given up in the stretches and not yet free at their end.
    int64_t deferred_pages, deferred_objects;

    // Of all actors together, a second.
    [[nodiscard]] double rate() const {
        return nanoseconds == 0 ? 0
                                : 1e9 * static_cast<double>(operations) * actors /
                                      static_cast<double>(nanoseconds);
    }
};

class Report {
  public:
    Report(const char* suite, unsigned cpus, unsigned repeats)
        : suite_(suite), cpus_(cpus), repeats_(repeats) {}

    void print_system() const;
    // Keeps it and prints its lines, DEFERRED and RES. False if there is no room for more.
    bool add(const Measurement& measurement);
    void print_table() const;
    void print_json() const;

  private:
    static constexpr unsigned kMaxMeasurements = 1024;
    // The median rate of the repetitions that begin at `first`.
    [[nodiscard]] double median_rate(unsigned first) const;
    void print_json_entry(const Measurement& measurement) const;

    const char* suite_;
    unsigned cpus_, repeats_;
    unsigned count_ = 0;
    Measurement measurements_[kMaxMeasurements];
};

}  // namespace shoal::bench
