#include <gtest/gtest.h>

#include "servers/vm/arena/window.hpp"
#include "workers.hpp"

namespace shoal::vm {
namespace {

TEST(Arena, AccountsForEveryFrame) {
    HostArena arena(
        {.bytes = 64 << 20, .cpus = 3, .holes = {{FrameNumber{100}, 700}, {FrameNumber{9000}, 1}}});
    test::expect_frames_add_up(arena);
    EXPECT_EQ(arena.frames_in_use(), 0u);
    EXPECT_EQ(arena.table()[HostArena::kFirstFrame + 100].kind(), FrameKind::Absent);
    EXPECT_EQ(arena.table()[HostArena::kFirstFrame].kind(), FrameKind::Free);
    EXPECT_EQ(arena.table()[frame_of(&arena.header())].kind(), FrameKind::Permanent);
}

TEST(Arena, KeptFramesStayUntilFreed) {
    HostArena arena({.bytes = 32 << 20, .kept = {{FrameNumber{10}, 600}}});
    const FrameRange kept{HostArena::kFirstFrame + 10, 600};
    EXPECT_EQ(arena.frames_in_use(), 600u);
    EXPECT_FALSE(arena.pool().is_free(kept.first));
    arena.worker(1).frames.free_range(kept);
    EXPECT_EQ(arena.frames_in_use(), 0u);
    EXPECT_TRUE(arena.pool().is_free(kept.first));
    test::expect_frames_add_up(arena);
}

TEST(Arena, RefusesWhatCannotBe) {
    const FrameRange tiny{HostArena::kFirstFrame, 4};
    EXPECT_EQ(Arena::format({nullptr, 0, nullptr, 0, 1, 1}).error(), Error::Invalid);
    EXPECT_EQ(Arena::format({&tiny, 1, nullptr, 0, 0, 1}).error(), Error::Invalid);
    EXPECT_EQ(Arena::format({&tiny, 1, nullptr, 0, kMaxCpus + 1, 1}).error(), Error::Invalid);
    EXPECT_EQ(Arena::format({&tiny, 1, nullptr, 0, 1, 1}).error(), Error::NoMemory);
}

TEST(Arena, AttachChecksMagicAndLayout) {
    HostArena arena({});
    const auto attach = [&] { return Arena::attach(arena.memory().data(), 1); };
    EXPECT_EQ(attach().release(), &arena.header());
    ++arena.header().layout;
    EXPECT_EQ(attach().error(), Error::Invalid);
    arena.header().magic = 0;
    EXPECT_EQ(attach().error(), Error::NoEntry);
}

TEST(Arena, HoldsTwoHundredAndFiftySixCpus) {
    HostArena arena({.bytes = 256 << 20, .cpus = 256});
    const FrameNumber frame = arena.worker(255).frames.allocate().release();
    arena.worker(0).frames.free(frame);
    EXPECT_EQ(arena.frames_in_use(), 0u);
    test::expect_frames_add_up(arena);
}

struct Thing {
    static constexpr SlabType kSlabType = SlabType::Test;
    explicit Thing(uint64_t number) : value(number) {}
    uint64_t value;
    ListHook hook;
};

// What live update stands on: stop anywhere between two steps, copy the frames, map them at the same address, go on.
TEST(Arena, GoesOnFromACopyAtTheSameAddress) {
    HostArena arena(
        {.bytes = 32 << 20, .cpus = 2, .permanent_extra = sizeof(List<Thing, &Thing::hook>)});
    auto* things = new (arena.extra()) List<Thing, &Thing::hook>;
    FrameNumber frames[300];
    for (auto& frame : frames) frame = arena.worker(0).frames.allocate().release();
    for (uint64_t i = 0; i < 500; ++i)
        things->push_back(*arena.worker(i % 2).slabs.create<Thing>(i).release());
    for (int i = 0; i < 7; ++i) arena.worker(1).frames.free(frames[i]);  // a batch half full

    arena.move_to_copy();

    for (int i = 7; i < 300; ++i) arena.worker(1).frames.free(frames[i]);
    uint64_t expected = 0;
    while (Thing* thing = things->pop_front()) {
        EXPECT_EQ(thing->value, expected++);
        arena.worker(0).slabs.destroy(thing);
    }
    EXPECT_EQ(expected, 500u);
    test::drain_all(arena);
    EXPECT_EQ(arena.frames_in_use(), 0u);
    test::expect_frames_add_up(arena);
}

}  // namespace
}  // namespace shoal::vm
