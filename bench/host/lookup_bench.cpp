// lookup: finding the mapping of an address among 1,000, as a fault does. Forms: shoal, a segment read without its lock and
// checked against its version; shoal_lock, the same tree under the segment's lock; std_map, std::map under one mutex.
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "bench/host/cores.hpp"
#include "servers/vm/space/segment.hpp"

namespace shoal::vm::bench {
namespace {

constexpr uint64_t kMappings = 1000, kSpacing = uint64_t{1} << 21;
constexpr VirtualAddress kFirst{uint64_t{1} << 32};

struct Mappings {
    std::vector<std::unique_ptr<Region>> regions;
    Segment segment{VirtualRange::of(kFirst, kMappings * kSpacing)};
    std::map<uint64_t, Region*> map;
    std::mutex mutex;

    Mappings() {
        LockContext context{CpuId{0}};
        Segment::Guard guard{context, segment.lock};
        const Segment::Change change(segment);
        for (uint64_t i = 0; i < kMappings; ++i) {
            const VirtualRange range = VirtualRange::of(kFirst + i * kSpacing, kSpacing);
            regions.push_back(std::make_unique<Region>());
            regions.back()->become(range, {Access::read_write()});
            segment.insert(*regions.back());
            map[range.start.raw()] = regions.back().get();
        }
    }
};

Mappings& mappings() {
    static Mappings all;
    return all;
}

// Addresses prepared beforehand, so that the generator is not measured.
std::vector<VirtualAddress> addresses(const benchmark::State& state) {
    std::mt19937_64 random(static_cast<uint64_t>(state.thread_index()));
    std::vector<VirtualAddress> all(1024);
    for (VirtualAddress& address : all) address = kFirst + random() % (kMappings * kSpacing);
    return all;
}

template <typename Find>
void look_up(benchmark::State& state, Find find) {
    const std::vector<VirtualAddress> probes = addresses(state);
    size_t at = 0;
    for (auto _ : state) benchmark::DoNotOptimize(find(probes[at++ % probes.size()]));
    state.SetItemsProcessed(state.iterations());
}

void lock_free(benchmark::State& state) {
    const Segment& segment = mappings().segment;
    look_up(state, [&segment](VirtualAddress address) { return segment.lookup(address); });
}
BENCHMARK(lock_free)->Name("lookup/shoal")->Apply(one_and_all_cores);

void under_the_segments_lock(benchmark::State& state) {
    Segment& segment = mappings().segment;
    LockContext context{CpuId::from(static_cast<size_t>(state.thread_index()))};
    look_up(state, [&](VirtualAddress address) {
        Segment::Guard guard{context, segment.lock};
        return segment.view_locked(address);
    });
}
BENCHMARK(under_the_segments_lock)->Name("lookup/shoal_lock")->Apply(one_and_all_cores);

void in_a_map_under_one_lock(benchmark::State& state) {
    Mappings& all = mappings();
    look_up(state, [&](VirtualAddress address) {
        std::lock_guard lock(all.mutex);
        return std::prev(all.map.upper_bound(address.raw()))->second;
    });
}
BENCHMARK(in_a_map_under_one_lock)->Name("lookup/std_map")->Apply(one_and_all_cores);

}  // namespace
}  // namespace shoal::vm::bench
