// Objects of two types wander between CPUs and are freed wherever they end up; contents show an object in two hands.
#include <gtest/gtest.h>

#include "workers.hpp"

namespace shoal::vm {
namespace {

struct Twin {
    static constexpr SlabType kSlabType = SlabType::Test;
    explicit Twin(uint64_t number) : tag(number), twin(~number) {}
    uint64_t tag, twin;
};

struct Owned {
    static constexpr SlabType kSlabType = SlabType::TestStable;
    static constexpr SlabKind kSlabKind = SlabKind::TypeStable;
    std::atomic<uint64_t> owners{0};
    uint64_t padding[10] = {};
};

// Slots that all CPUs exchange objects through, without locks.
template <typename T>
struct Market {
    std::atomic<T*> slots[64] = {};
    T* swap(uint64_t at, T* object) {
        return slots[at % 64].exchange(object, std::memory_order_acq_rel);
    }
};

TEST(SlabTorture, ObjectsWanderBetweenCpus) {
    HostArena arena({.bytes = 32 << 20, .cpus = 4});
    Market<Twin> twins;
    Market<Owned> owned;
    const uint64_t seed = test::fresh_seed();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    test::run_workers(arena, [&](Worker& worker) {
        std::mt19937_64 random(seed + worker.cpu.raw());
        for (int step = 0; step < 20'000; ++step) {
            Twin* twin = twins.swap(random(), worker.slabs.create<Twin>(random()).release());
            if (twin != nullptr) {
                ASSERT_EQ(twin->tag, ~twin->twin) << "object in two hands";
                worker.slabs.destroy(twin);
            }
            Owned* fresh = worker.slabs.obtain<Owned>().release();
            ASSERT_EQ(fresh->owners.fetch_add(1), 0u) << "object in two hands";
            if (Owned* old = owned.swap(random(), fresh); old != nullptr) {
                old->owners.fetch_sub(1);
                worker.slabs.give_back(old);
            }
            if (random() % 4096 == 0) worker.slabs.drain();
        }
    });
    for (uint64_t i = 0; i < 64; ++i) {
        if (Twin* twin = twins.swap(i, nullptr)) arena.worker(0).slabs.destroy(twin);
        if (Owned* gone = owned.swap(i, nullptr)) arena.worker(1).slabs.give_back(gone);
    }
    test::drain_all(arena);
    int64_t live = 0;
    uint64_t small_slabs = 0, stable_slabs = 0;
    for (uint32_t cpu = 0; cpu < 4; ++cpu) {
        const SlabCaches& slabs = arena.worker(cpu).slabs;
        live += slabs.live(SlabType::Test) + slabs.live(SlabType::TestStable);
        small_slabs += slabs.slabs(SlabType::Test);
        stable_slabs += slabs.slabs(SlabType::TestStable);
    }
    EXPECT_EQ(live, 0);
    EXPECT_EQ(small_slabs, 0u);
    EXPECT_EQ(arena.frames_in_use(), stable_slabs);
    test::expect_frames_add_up(arena);
}

}  // namespace
}  // namespace shoal::vm
