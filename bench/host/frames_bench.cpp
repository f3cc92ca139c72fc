// frames: taking a page frame and giving it back, one after the other; frames_bulk: 256 at a time, more than a magazine, so that
// the shared pool takes part; frames_huge: 2 MiB. Forms: shoal, per-CPU caches over the lock-free pool; one_lock, a list of free
// frames under a mutex.
#include <mutex>
#include <vector>

#include "bench/host/arena.hpp"

namespace shoal::vm::bench {
namespace {

constexpr int kFramesHeld = 256;

void frames_hot(benchmark::State& state) {
    FrameCache& frames = worker_of(state).frames;
    for (auto _ : state) {
        const FrameNumber frame = frames.allocate().release();
        benchmark::DoNotOptimize(frame);
        frames.free(frame);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(frames_hot)->Name("frames/shoal")->Apply(with_arena);

void frames_bulk(benchmark::State& state) {
    FrameCache& frames = worker_of(state).frames;
    FrameNumber held[kFramesHeld];
    for (auto _ : state) {
        for (auto& frame : held) frame = frames.allocate().release();
        for (auto& frame : held) frames.free(frame);
    }
    state.SetItemsProcessed(state.iterations() * kFramesHeld);
    count_frames(state);
}
BENCHMARK(frames_bulk)->Name("frames_bulk/shoal")->Apply(with_arena);

void frames_superpage(benchmark::State& state) {
    FramePool& pool = shared_arena->pool();
    const CpuId cpu = worker_of(state).cpu;
    for (auto _ : state) pool.give_aligned(pool.take_aligned(cpu, 9).release(), 9);
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(frames_superpage)->Name("frames_huge/shoal")->Apply(with_arena);

struct LockedFrames {
    std::mutex mutex;
    std::vector<FrameNumber> free;
    FrameNumber take() {
        std::lock_guard lock(mutex);
        const FrameNumber frame = free.back();
        free.pop_back();
        return frame;
    }
    void give(FrameNumber frame) {
        std::lock_guard lock(mutex);
        free.push_back(frame);
    }
};
LockedFrames locked_frames;

void stock(const benchmark::State& state) {
    locked_frames.free.clear();
    for (uint64_t i = 0; i < uint64_t{kFramesHeld} * static_cast<uint64_t>(state.threads()); ++i)
        locked_frames.free.push_back(FrameNumber{i});
}

void frames_one_lock(benchmark::State& state) {
    for (auto _ : state) {
        const FrameNumber frame = locked_frames.take();
        benchmark::DoNotOptimize(frame);
        locked_frames.give(frame);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(frames_one_lock)->Name("frames/one_lock")->Setup(stock)->Apply(one_and_all_cores);

void frames_one_lock_bulk(benchmark::State& state) {
    FrameNumber held[kFramesHeld];
    for (auto _ : state) {
        for (auto& frame : held) frame = locked_frames.take();
        for (auto& frame : held) locked_frames.give(frame);
    }
    state.SetItemsProcessed(state.iterations() * kFramesHeld);
}
BENCHMARK(frames_one_lock_bulk)->Name("frames_bulk/one_lock")->Setup(stock)->Apply(one_and_all_cores);

}  // namespace
}  // namespace shoal::vm::bench
