// The suite "pipeline": 2 MiB mapped and touched by one CPU, touched and unmapped by its neighbour, all around the ring at once:
// memory that moves between CPUs, so that every unmapping has another CPU's translations to flush.
#include <stdlib.h>
#include <sys/mman.h>

#include <atomic>

#include "base/cpu.hpp"
#include "bench/guest/suite.hpp"

namespace {

using shoal::bench::Actors;
using shoal::bench::Workload;

constexpr size_t kPage = 4096, kChunk = size_t{2} << 20;

// What an actor is to take from its neighbour.
struct alignas(shoal::kCacheLine) Hatch {
    std::atomic<char*> chunk{nullptr};
};
Hatch hatches[shoal::kMaxCpus];
unsigned actor_count;

void touch(volatile char* start) {
    for (size_t i = 0; i < kChunk; i += kPage) start[i] = 1;
}

void give(Hatch& hatch, char* chunk) {
    while (hatch.chunk.load(std::memory_order_relaxed) != nullptr) {
    }
    hatch.chunk.store(chunk, std::memory_order_release);  // pairs with take()
}

char* take(Hatch& hatch) {
    char* chunk = nullptr;
    // acquire: pairs with give()
    while ((chunk = hatch.chunk.load(std::memory_order_acquire)) == nullptr) {
    }
    hatch.chunk.store(nullptr, std::memory_order_relaxed);
    return chunk;
}

void pipeline_round(unsigned id) {
    void* memory =
        mmap(nullptr, kChunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    touch(static_cast<char*>(memory));
    give(hatches[(id + 1) % actor_count], static_cast<char*>(memory));
    char* chunk = take(hatches[id]);
    touch(chunk);
    (void)munmap(chunk, kChunk);
}

void set_ring(unsigned actors) { actor_count = actors; }

constexpr Workload kWorkloads[] = {
    {"pipeline_threads", Actors::Threads, kChunk / kPage, pipeline_round, set_ring},
};

}  // namespace

int main(int argument_count, char** arguments) {
    return shoal::bench::run_suite("pipeline", kWorkloads, argument_count, arguments);
}
