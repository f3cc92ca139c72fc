#include <gtest/gtest.h>

#include <set>

#include "base/containers/hook.hpp"
#include "workers.hpp"

namespace shoal::vm {
namespace {

struct Small {
    static constexpr SlabType kSlabType = SlabType::Test;
    uint64_t words[5] = {};
};

struct alignas(kCacheLine) Stable {
    static constexpr SlabType kSlabType = SlabType::TestStable;
    static constexpr SlabKind kSlabKind = SlabKind::TypeStable;
    std::atomic<uint64_t> version{1};
};

TEST(Slab, ObjectsAreDistinctAndAligned) {
    HostArena arena({});
    SlabCaches& slabs = arena.worker(0).slabs;
    std::set<uint64_t> seen;
    for (int i = 0; i < 1000; ++i) {
        const auto address = reinterpret_cast<uint64_t>(slabs.obtain<Stable>().release());
        EXPECT_EQ(address % kCacheLine, 0u);
        EXPECT_TRUE(seen.insert(address).second);
    }
    EXPECT_EQ(slabs.live(SlabType::TestStable), 1000);
}

TEST(Slab, EmptySlabsGoBackToTheFrames) {
    HostArena arena({});
    SlabCaches& slabs = arena.worker(0).slabs;
    std::vector<Small*> objects;
    for (int i = 0; i < 5000; ++i) objects.push_back(slabs.create<Small>().release());
    const uint64_t peak = slabs.slabs(SlabType::Test);
    EXPECT_EQ(arena.frames_in_use(), peak);
    for (Small* object : objects) slabs.destroy(object);
    EXPECT_EQ(slabs.live(SlabType::Test), 0);
    EXPECT_LT(slabs.slabs(SlabType::Test), peak / 10);  // without a drain already
    slabs.drain();
    EXPECT_EQ(slabs.slabs(SlabType::Test), 0u);
    EXPECT_EQ(arena.frames_in_use(), 0u);
}

void expedite(Worker& worker) {
    worker.reclaimer.expedite([&](RetireHook& hook) {
        ASSERT_EQ(hook.deleter(), deleter_of(Retired::Slab));
        worker.slabs.release(*owner_of<Slab, RetireHook, &Slab::retire_hook>(&hook));
    });
}

TEST(Slab, NoLineHoldsTwoObjects) {
    HostArena arena({});
    SlabCaches& slabs = arena.worker(0).slabs;
    std::set<uint64_t> lines;
    for (int i = 0; i < 200; ++i) {
        const auto address = reinterpret_cast<uint64_t>(slabs.create<Small>().release());
        EXPECT_TRUE(lines.insert(address / kCacheLine).second);
    }
}

TEST(Slab, TypeStableObjectsStayReadableUntilAGracePeriodIsOver) {
    HostArena arena({.cpus = 2});
    Worker& worker = arena.worker(0);
    SlabCaches& slabs = worker.slabs;
    arena.worker(1).epoch.enter_fenced();  // may have found any of the objects
    std::vector<Stable*> objects;
    for (uint64_t i = 0; i < 500; ++i) {
        objects.push_back(slabs.obtain<Stable>().release());
        objects.back()->version = i;
    }
    const uint64_t frames = slabs.slabs(SlabType::TestStable);
    for (Stable* object : objects) slabs.give_back(object);
    slabs.drain();
    for (int i = 0; i < 3; ++i) expedite(worker);
    // Readable although free: that is the point.
    for (uint64_t i = 0; i < 500; ++i) EXPECT_EQ(objects[i]->version.load(), i);
    EXPECT_EQ(slabs.slabs(SlabType::TestStable), frames);
    EXPECT_EQ(arena.frames_in_use(), frames);
    arena.worker(1).epoch.leave();
    expedite(worker);
    EXPECT_EQ(slabs.slabs(SlabType::TestStable), 0u);
    EXPECT_EQ(arena.frames_in_use(), 0u);
}

TEST(Slab, OtherCpusObjectsGoHome) {
    HostArena arena({});
    SlabCaches &home = arena.worker(0).slabs, &other = arena.worker(1).slabs;
    std::vector<Small*> objects;
    for (int i = 0; i < 100; ++i) objects.push_back(home.create<Small>().release());
    for (Small* object : objects) other.destroy(object);
    EXPECT_EQ(home.live(SlabType::Test) + other.live(SlabType::Test), 0);
    EXPECT_EQ(other.slabs(SlabType::Test), 0u);  // it did not keep what is not its own
    other.flush_outgoing();
    home.drain();
    EXPECT_EQ(home.slabs(SlabType::Test), 0u);
}

TEST(Slab, FailsCleanlyWithoutFramesAndRecovers) {
    HostArena arena({.bytes = 8 << 20, .cpus = 1});
    Worker& worker = arena.worker(0);
    std::vector<Small*> objects;
    for (;;) {
        auto object = worker.slabs.create<Small>();
        if (!object) {
            EXPECT_EQ(object.error(), Error::NoMemory);
            break;
        }
        objects.push_back(*object);
    }
    EXPECT_EQ(worker.slabs.ensure<Small>(1).error(), Error::NoMemory);
    for (Small* object : objects) worker.slabs.destroy(object);
    EXPECT_TRUE(worker.slabs.ensure<Small>(SlabCaches::kHalf).ok());
    worker.slabs.drain();
    EXPECT_EQ(arena.frames_in_use(), 0u);
}

#ifndef NDEBUG

class SlabDeathTest : public testing::Test {
  protected:
    HostArena arena{{}};
    SlabCaches& slabs = arena.worker(0).slabs;
    Small* object = slabs.create<Small>().release();
};

TEST_F(SlabDeathTest, CatchesDoubleFree) {
    slabs.destroy(object);
    EXPECT_DEATH(slabs.destroy(object), "freed twice");
}

TEST_F(SlabDeathTest, CatchesOverrun) {
    object->words[4] = 1;
    volatile uint64_t* words = object->words;
    words[6] = 0x4141;  // the canary behind object and link
    EXPECT_DEATH(slabs.destroy(object), "overrun");
}

TEST_F(SlabDeathTest, CatchesWriteAfterFree) {
    volatile uint64_t* words = object->words;
    slabs.destroy(object);
    words[1] = 3;
    EXPECT_DEATH((void)slabs.create<Small>(), "written after free");
}

#endif

}  // namespace
}  // namespace shoal::vm
