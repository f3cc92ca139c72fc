// The suite "faults": memory workloads of a fixed size, the same as those with which other systems have been measured.
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/guest/suite.hpp"

namespace {

using shoal::bench::Actors;
using shoal::bench::Workload;

constexpr size_t kPage = 4096, kChunk = size_t{2} << 20;
constexpr int kSinglePages = 256;

char* region;  // one mapping that all threads fault in, a chunk each

char* map(size_t bytes) {
    void* memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    return static_cast<char*>(memory);
}

// Through a volatile pointer: the stores are the work.
void touch(volatile char* start, size_t bytes) {
    for (size_t i = 0; i < bytes; i += kPage) start[i] = 1;
}

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
