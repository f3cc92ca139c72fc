// Lookups without a lock beside writers that take regions out of one segment and put them into another at once. Whatever a
// lookup finds must be of its own segment, as it was put in.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "base/containers/hook.hpp"
#include "servers/vm/arena/host_arena.hpp"
#include "servers/vm/space/segment.hpp"

namespace shoal::vm::test {
namespace {

constexpr uint32_t kWriters = 2, kReaders = 2, kSegments = 3, kPlaces = 48, kPlacePages = 8;
constexpr int kSteps = 30'000;

class Torn {
  public:
    explicit Torn(uint64_t seed) : seed_(seed) {
        for (uint32_t i = 0; i < kSegments; ++i) segments_.push_back(std::make_unique<Segment>(range_of(i)));
    }

    void write(Worker& worker) {
        std::mt19937_64 random(seed_ + worker.cpu.raw());
        for (int step = 0; step < kSteps; ++step) {
            change(worker, random() % kSegments, random() % kPlaces);
            if (random() % 512 == 0) drain(worker);
        }
    }
    // Returns how many lookups found something.
    uint64_t read(Worker& worker) {
        std::mt19937_64 random(seed_ + worker.cpu.raw());
        uint64_t found = 0;
        for (int step = 0; step < 4 * kSteps; ++step) {
            worker.epoch.enter_fenced();
            const uint64_t segment = random() % kSegments, place = random() % kPlaces;
            const RegionView view = segments_[segment]->lookup(start_of(segment, place));
            if (view.outcome == Lookup::Found) {
                ++found;
                EXPECT_EQ(view.range, region_range(segment, place));
                EXPECT_EQ(view.attributes, attributes_of(segment));
            }
            worker.epoch.leave();
        }
        return found;
    }
    void clear(Worker& worker) {
        for (uint64_t i = 0; i < kSegments; ++i)
            for (uint64_t place = 0; place < kPlaces; ++place)
                if (segments_[i]->first_in(region_range(i, place)) != nullptr) change(worker, i, place);
    }
    static void drain(Worker& worker) {
        worker.slabs.drain();
        worker.reclaimer.expedite([&](RetireHook& hook) {
            worker.slabs.release(*owner_of<Slab, RetireHook, &Slab::retire_hook>(&hook));
        });
        worker.frames.drain();
    }

  private:
    static VirtualRange range_of(uint64_t segment) { return VirtualRange::of(VirtualAddress{(segment + 1) << 30}, uint64_t{1} << 30); }
    static VirtualAddress start_of(uint64_t segment, uint64_t place) {
        return range_of(segment).start + place * kPlacePages * kPageSize;
    }
    static VirtualRange region_range(uint64_t segment, uint64_t place) {
        return VirtualRange::of(start_of(segment, place), (1 + (segment + place) % kPlacePages) * kPageSize);
    }
    static RegionAttributes attributes_of(uint64_t segment) {
        return {segment == 0 ? Access::read() : Access::read_write(), segment == 1 ? RegionTraits::Loaded : RegionTraits::None};
    }
    // Takes out what is in the place, or puts a region there.
    void change(Worker& worker, uint64_t at, uint64_t place) {
        if (!worker.slabs.ensure<Region>(1).ok()) return drain(worker);
        Segment& segment = *segments_[at];
        Segment::Guard guard(worker.locks, segment.lock);
        Segment::Change change(segment);
        if (Region* there = segment.first_in(region_range(at, place))) {
            segment.remove(*there);
            worker.slabs.give_back(there);
            return;
        }
        Region* made = worker.slabs.obtain_reserved<Region>();
        made->become(region_range(at, place), attributes_of(at));
        segment.insert(*made);
    }

    uint64_t seed_;
    std::vector<std::unique_ptr<Segment>> segments_;
};

TEST(SegmentTorture, LookupsFindNothingThatIsNotThere) {
    HostArena arena({.bytes = 32 << 20, .cpus = kWriters + kReaders});
    const uint64_t seed = GTEST_FLAG_GET(random_seed) != 0 ? static_cast<uint64_t>(GTEST_FLAG_GET(random_seed)) : std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Torn torn(seed);
    std::atomic<uint64_t> found{0};
    std::vector<std::thread> threads;
    for (uint32_t cpu = 0; cpu < kWriters; ++cpu) threads.emplace_back([&, cpu] { torn.write(arena.worker(cpu)); });
    for (uint32_t cpu = kWriters; cpu < kWriters + kReaders; ++cpu)
        threads.emplace_back([&, cpu] { found += torn.read(arena.worker(cpu)); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(found.load(), 0u);
    torn.clear(arena.worker(0));
    for (int round = 0; round < 3; ++round)  // batches go home, slabs wait for a grace period
        for (uint32_t cpu = 0; cpu < kWriters + kReaders; ++cpu) Torn::drain(arena.worker(cpu));
    int64_t regions = 0;
    for (uint32_t cpu = 0; cpu < kWriters + kReaders; ++cpu) regions += arena.worker(cpu).slabs.live(SlabType::Region);
    EXPECT_EQ(regions, 0);
    // Slabs whose objects are the stocks stay.
    EXPECT_LE(arena.frames_in_use(), uint64_t{kWriters} * Region::kStock);
}

}  // namespace
}  // namespace shoal::vm::test
