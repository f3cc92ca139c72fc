// slab: making an object of 64 bytes and destroying it, 256 at a time; slab_remote: destroying what another thread has made.
// Forms: shoal, per-CPU slab caches; malloc, the host's, which has per-thread caches too; malloc_one_lock.
#include <atomic>
#include <cstdlib>
#include <mutex>

#include "bench/host/arena.hpp"

namespace shoal::vm::bench {
namespace {

constexpr int kObjectsHeld = 256;

struct Object {
    static constexpr SlabType kSlabType = SlabType::Test;
    uint64_t words[8];
};

void slab_bulk(benchmark::State& state) {
    SlabCaches& slabs = worker_of(state).slabs;
    Object* held[kObjectsHeld];
    for (auto _ : state) {
        for (auto& object : held) object = slabs.create<Object>().release();
        for (auto* object : held) slabs.destroy(object);
    }
    state.SetItemsProcessed(state.iterations() * kObjectsHeld);
    count_frames(state);
}
BENCHMARK(slab_bulk)->Name("slab/shoal")->Apply(with_arena);

void malloc_bulk(benchmark::State& state) {
    void* held[kObjectsHeld];
    for (auto _ : state) {
        for (auto& object : held) {
            object = std::malloc(sizeof(Object));
            benchmark::DoNotOptimize(object);
        }
        for (auto* object : held) std::free(object);
    }
    state.SetItemsProcessed(state.iterations() * kObjectsHeld);
}
BENCHMARK(malloc_bulk)->Name("slab/malloc")->Apply(one_and_all_cores);

std::mutex one_lock;

void malloc_one_lock_bulk(benchmark::State& state) {
    void* held[kObjectsHeld];
    for (auto _ : state) {
        for (auto& object : held) {
            std::lock_guard lock(one_lock);
            object = std::malloc(sizeof(Object));
            benchmark::DoNotOptimize(object);
        }
        for (auto* object : held) {
            std::lock_guard lock(one_lock);
            std::free(object);
        }
    }
    state.SetItemsProcessed(state.iterations() * kObjectsHeld);
}
BENCHMARK(malloc_one_lock_bulk)->Name("slab/malloc_one_lock")->Apply(one_and_all_cores);

// Slots through which threads pass objects to each other; each exchange pairs with the other threads' on the same slot.
template <typename T>
struct Market {
    std::atomic<T*> slots[kObjectsHeld] = {};
};
Market<Object> slab_market;

void slab_remote(benchmark::State& state) {
    SlabCaches& slabs = worker_of(state).slabs;
    for (auto _ : state) {
        for (auto& slot : slab_market.slots) {
            // acq_rel pairs with the other threads' exchanges
            Object* old =
                slot.exchange(slabs.create<Object>().release(), std::memory_order_acq_rel);
            if (old != nullptr) slabs.destroy(old);
        }
    }
    state.SetItemsProcessed(state.iterations() * kObjectsHeld);
}
BENCHMARK(slab_remote)->Name("slab_remote/shoal")->Apply(with_arena)->Setup([](const benchmark::State& state) {
    make_arena(state);
    for (auto& slot : slab_market.slots) slot = nullptr;
});

Market<void> malloc_market;

void malloc_remote(benchmark::State& state) {
    for (auto _ : state) {
        for (auto& slot : malloc_market.slots) {
            // acq_rel pairs with the other threads' exchanges
            std::free(slot.exchange(std::malloc(sizeof(Object)), std::memory_order_acq_rel));
        }
    }
    state.SetItemsProcessed(state.iterations() * kObjectsHeld);
}
BENCHMARK(malloc_remote)->Name("slab_remote/malloc")->Apply(one_and_all_cores)->Teardown([](const benchmark::State&) {
    for (auto& slot : malloc_market.slots) std::free(slot.exchange(nullptr));
});

}  // namespace
}  // namespace shoal::vm::bench
