// quota: charging a page to one process from every CPU. Forms: shoal, leases; one_counter, a shared atomic.
#include "bench/host/arena.hpp"
#include "servers/vm/quota/quota.hpp"

namespace shoal::vm::bench {
namespace {

std::unique_ptr<Quota> shared_quota;

void quota_leases(benchmark::State& state) {
    Worker& worker = worker_of(state);
    for (auto _ : state) {
        if (!shared_quota->charge(worker.locks, worker.slabs, PageCount{1}))
            state.SkipWithError("refused");
        shared_quota->refund(worker.locks, PageCount{1});
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(quota_leases)->Name("quota/shoal")->Apply(with_arena)->Setup([](const benchmark::State& state) {
    make_arena(state);
    shared_quota = std::make_unique<Quota>(PageCount{1 << 20});
});

std::atomic<uint64_t> shared_counter{0};

void quota_one_counter(benchmark::State& state) {
    for (auto _ : state) {
        if (shared_counter.fetch_add(1, std::memory_order_relaxed) > 1 << 20)
            state.SkipWithError("refused");
        shared_counter.fetch_sub(1, std::memory_order_relaxed);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(quota_one_counter)->Name("quota/one_counter")->Apply(one_and_all_cores);

}  // namespace
}  // namespace shoal::vm::bench
