// The suite "faults": memory workloads of a fixed size, the same as those with which other systems have been measured.
#include <sys/mman.h>

#include "bench/guest/pages.hpp"
#include "bench/guest/suite.hpp"

namespace {

using shoal::bench::Actors;
using shoal::bench::kChunk;
using shoal::bench::kPage;
using shoal::bench::map;
using shoal::bench::touch;
using shoal::bench::Workload;

constexpr int kSinglePages = 256;

char* region;  // one mapping that all threads fault in, a chunk each

void fault_round(unsigned) {
    char* chunk = map(kChunk);
    (void)madvise(chunk, kChunk, MADV_NOHUGEPAGE);
    touch(chunk, kChunk);
    (void)munmap(chunk, kChunk);
}

void map_touch_unmap_round(unsigned) {  // one page at a time
    for (int i = 0; i < kSinglePages; ++i) {
        char* page = map(kPage);
        touch(page, kPage);
        (void)munmap(page, kPage);
    }
}

void one_region_round(unsigned id) {
    char* mine = region + id * kChunk;
    touch(mine, kChunk);
    (void)madvise(mine, kChunk, MADV_DONTNEED);
}

void map_region(unsigned actors) {
    region = map(kChunk * actors);
    (void)madvise(region, kChunk * actors, MADV_NOHUGEPAGE);
}

void unmap_region(unsigned actors) { (void)munmap(region, kChunk * actors); }

constexpr Workload kWorkloads[] = {
    {"fault_threads", Actors::Threads, kChunk / kPage, fault_round},
    {"fault_procs", Actors::Processes, kChunk / kPage, fault_round},
    {"map_touch_unmap_threads", Actors::Threads, kSinglePages, map_touch_unmap_round},
    {"fault_one_region_threads", Actors::Threads, kChunk / kPage, one_region_round, map_region,
     unmap_region},
};

}  // namespace

int main(int argument_count, char** arguments) {
    return shoal::bench::run_suite("faults", kWorkloads, argument_count, arguments);
}
