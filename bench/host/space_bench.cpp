// fault: the first write to a page of a mapping. map: a mapping of one page. unmap: taking one away that was written to.
// map_touch_unmap: the three in a row, as a program with short-lived buffers does. All threads are one process'; each has memory
// of its own.
//
// Forms: shoal; shoal_big_lock, the same code with its workers taking turns; naive (NaiveVm).
#include <memory>

#include "bench/host/cores.hpp"
#include "bench/host/naive_vm.hpp"
#include "bench/host/shoal_vm.hpp"

namespace shoal::vm::bench {
namespace {

constexpr uint64_t kPages = 2048;        // of a thread's mapping in `fault`: four leaves
constexpr uint64_t kMappingsHeld = 256;  // of a thread at a time in the others

struct Shoal {
    using Vm = ShoalVm;
    static std::unique_ptr<Vm> make(uint32_t cpus) { return std::make_unique<Vm>(cpus, Locking::PerObject); }
};
struct ShoalBigLock {
    using Vm = ShoalVm;
    static std::unique_ptr<Vm> make(uint32_t cpus) { return std::make_unique<Vm>(cpus, Locking::BigLock); }
};
struct Naive {
    using Vm = NaiveVm;
    static std::unique_ptr<Vm> make(uint32_t) { return std::make_unique<Vm>(); }
};

// The one that the threads of the running benchmark share.
template <typename Form>
std::unique_ptr<typename Form::Vm> shared_vm;

template <typename Form>
typename Form::Vm::Cpu cpu_of(const benchmark::State& state) {
    return {*shared_vm<Form>, static_cast<uint32_t>(state.thread_index())};
}

template <typename Form>
void count_work(benchmark::State& state) {
    state.SetItemsProcessed(state.iterations());
    if (state.thread_index() == 0) state.counters["frames_in_use"] = static_cast<double>(shared_vm<Form>->frames_in_use());
}

template <typename Form>
void fault(benchmark::State& state) {
    auto cpu = cpu_of<Form>(state);
    const VirtualAddress start = cpu.map(kPages);
    while (state.KeepRunningBatch(kPages)) {
        state.PauseTiming();
        cpu.discard(start, kPages);
        state.ResumeTiming();
        for (uint64_t page = 0; page < kPages; ++page) cpu.fault(start + PageCount{page}.bytes());
    }
    count_work<Form>(state);
}

template <typename Form>
void map(benchmark::State& state) {
    auto cpu = cpu_of<Form>(state);
    VirtualAddress mapped[kMappingsHeld];
    while (state.KeepRunningBatch(kMappingsHeld)) {
        for (VirtualAddress& start : mapped) start = cpu.map(1);
        state.PauseTiming();
        for (const VirtualAddress start : mapped) cpu.unmap(start, 1);
        state.ResumeTiming();
    }
    count_work<Form>(state);
}

template <typename Form>
void unmap(benchmark::State& state) {
    auto cpu = cpu_of<Form>(state);
    VirtualAddress mapped[kMappingsHeld];
    while (state.KeepRunningBatch(kMappingsHeld)) {
        state.PauseTiming();
        for (VirtualAddress& start : mapped) {
            start = cpu.map(1);
            cpu.fault(start);
        }
        state.ResumeTiming();
        for (const VirtualAddress start : mapped) cpu.unmap(start, 1);
    }
    count_work<Form>(state);
}

template <typename Form>
void map_touch_unmap(benchmark::State& state) {
    auto cpu = cpu_of<Form>(state);
    for (auto _ : state) {
        const VirtualAddress start = cpu.map(1);
        cpu.fault(start);
        cpu.unmap(start, 1);
    }
    count_work<Form>(state);
}

template <typename Form>
void with_vm(benchmark::internal::Benchmark* bench) {
    bench->Setup([](const benchmark::State& state) { shared_vm<Form> = Form::make(cpus_for(state)); });
    bench->Teardown([](const benchmark::State&) { shared_vm<Form>.reset(); });
    one_and_all_cores(bench);
}

BENCHMARK(fault<Shoal>)->Name("fault/shoal")->Apply(with_vm<Shoal>);
BENCHMARK(fault<ShoalBigLock>)->Name("fault/shoal_big_lock")->Apply(with_vm<ShoalBigLock>);
BENCHMARK(fault<Naive>)->Name("fault/naive")->Apply(with_vm<Naive>);
BENCHMARK(map<Shoal>)->Name("map/shoal")->Apply(with_vm<Shoal>);
BENCHMARK(map<ShoalBigLock>)->Name("map/shoal_big_lock")->Apply(with_vm<ShoalBigLock>);
BENCHMARK(map<Naive>)->Name("map/naive")->Apply(with_vm<Naive>);
BENCHMARK(unmap<Shoal>)->Name("unmap/shoal")->Apply(with_vm<Shoal>);
BENCHMARK(unmap<ShoalBigLock>)->Name("unmap/shoal_big_lock")->Apply(with_vm<ShoalBigLock>);
BENCHMARK(unmap<Naive>)->Name("unmap/naive")->Apply(with_vm<Naive>);
BENCHMARK(map_touch_unmap<Shoal>)->Name("map_touch_unmap/shoal")->Apply(with_vm<Shoal>);
BENCHMARK(map_touch_unmap<ShoalBigLock>)->Name("map_touch_unmap/shoal_big_lock")->Apply(with_vm<ShoalBigLock>);
BENCHMARK(map_touch_unmap<Naive>)->Name("map_touch_unmap/naive")->Apply(with_vm<Naive>);

}  // namespace
}  // namespace shoal::vm::bench
