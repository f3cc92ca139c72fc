#include "bench/guest/report.hpp"

#include <stdio.h>

#include <algorithm>

#include "libc-min/system/kernel_facts.hpp"

namespace shoal::bench {
namespace {

const char* unit_of(const Workload& workload) {
    return workload.actors == Actors::Threads ? "threads" : "processes";
}

}  // namespace

void Report::print_system() const { printf("SYSTEM shoal %s cpus %u\n", SHOAL_VERSION, cpus_); }

bool Report::add(const Measurement& measurement) {
    if (count_ == kMaxMeasurements) return false;
    measurements_[count_++] = measurement;
    printf("DEFERRED %s T=%u pages %ld objects %ld\n", measurement.workload->name, measurement.actors,
           measurement.deferred_pages, measurement.deferred_objects);
    printf("RES %s T=%u ops/thread %lu\n", measurement.workload->name, measurement.actors,
           measurement.operations);
    return true;
}

double Report::median_rate(unsigned first) const {
    double rates[16];
    const unsigned count = std::min({repeats_, count_ - first, 16U});
    for (unsigned i = 0; i < count; ++i) rates[i] = measurements_[first + i].rate();
    std::sort(rates, rates + count);
    return count % 2 == 1 ? rates[count / 2] : (rates[count / 2 - 1] + rates[count / 2]) / 2;
}

void Report::print_table() const {
    printf("\n%-28s %4s %14s %14s %11s\n", suite_, "CPUs", "operations/s", "per CPU", "efficiency");
    double alone = 0;  // the rate of one actor
    for (unsigned i = 0; i < count_; i += repeats_) {
        const Measurement& each = measurements_[i];
        const double rate = median_rate(i), per_cpu = rate / each.actors;
        const bool first = i == 0 || measurements_[i - repeats_].workload != each.workload;
        if (first) alone = per_cpu;
        printf("%-28s %4u %14.0f %14.0f %9.1f %%\n", each.workload->name, each.actors, rate,
               per_cpu, alone > 0 ? 100 * per_cpu / alone : 0.0);
    }
    printf("(wall clock inside the guest; median of %u)\n\n", repeats_);
}

void Report::print_json_entry(const Measurement& each) const {
    const double per_operation = static_cast<double>(each.nanoseconds) /
                                 static_cast<double>(each.operations);
    printf("    {\"name\": \"%s/%s/%s:%u\", \"run_name\": \"%s/%s/%s:%u\",\n", suite_,
           each.workload->name, unit_of(*each.workload), each.actors, suite_, each.workload->name,
           unit_of(*each.workload), each.actors);
    printf("     \"run_type\": \"iteration\", \"repetitions\": %u, \"repetition_index\": %u,\n",
           repeats_, each.repetition);
    printf("     \"threads\": %u, \"iterations\": %lu, \"real_time\": %.17g, \"cpu_time\": %.17g,\n",
           each.actors, each.operations, per_operation, per_operation);
    printf("     \"time_unit\": \"ns\", \"items_per_second\": %.17g}", each.rate());
}

void Report::print_json() const {
    const KernelInfo facts = kernel_facts();
    printf("--- benchmark json begin ---\n{\n  \"context\": {\n");
    printf("    \"host_name\": \"shoal\", \"executable\": \"%s\", \"num_cpus\": %u,\n", suite_,
           facts.cpus);
    printf("    \"mhz_per_cpu\": %lu, \"cpu_scaling_enabled\": false, \"caches\": [],\n",
           facts.tsc_khz / 1000);
    printf("    \"library_build_type\": \"release\", \"shoal_version\": \"%s\"\n  },\n",
           SHOAL_VERSION);
    printf("  \"benchmarks\": [\n");
    for (unsigned i = 0; i < count_; ++i) {
        print_json_entry(measurements_[i]);
        printf("%s\n", i + 1 < count_ ? "," : "");
    }
    printf("  ]\n}\n--- benchmark json end ---\n");
}

}  // namespace shoal::bench
