#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "servers/vm/frames/frame_group.hpp"
#include "workers.hpp"

namespace shoal::vm {
namespace {

using test::drain_all;
using test::expect_frames_add_up;

TEST(FrameCache, RunsOfSixteenStayWithOneCpu) {
    HostArena arena({.bytes = 64 << 20, .cpus = 2});
    std::set<uint64_t> runs[2];
    for (int i = 0; i < 256; ++i) {
        for (uint32_t cpu : {0u, 1u}) {
            runs[cpu].insert(arena.worker(cpu).frames.allocate().release().raw() / 16);
        }
    }
    for (uint64_t run : runs[0]) EXPECT_FALSE(runs[1].contains(run));
    EXPECT_EQ(runs[0].size(), 256u / 16);
}

TEST(FrameCache, FreedFrameComesBackFirst) {
    HostArena arena({});
    FrameCache& cache = arena.worker(0).frames;
    const FrameNumber frame = cache.allocate().release();
    cache.free(frame);
    EXPECT_EQ(cache.allocate().release(), frame);
}

TEST(FrameGroup, IsNobodyElses) {
    HostArena arena({});
    FrameCache& cache = arena.worker(0).frames;
    std::vector<FrameNumber> taken;
    for (uint32_t i = 0; i < FrameCache::kCapacity; ++i) taken.push_back(cache.allocate().release());
    for (uint32_t i = 0; i < taken.size(); i += 2) cache.free(taken[i]);  // the other of each line is in use
    FrameGroup group(cache);
    group.begin();
    std::set<uint64_t> begun;
    for (uint32_t i = 0; i < FrameGroup::kFrames; ++i) begun.insert(cache.allocate().release().raw());
    EXPECT_EQ(begun.size(), FrameGroup::kFrames);
    EXPECT_EQ(*begun.begin() % FrameGroup::kFrames, 0u);
    EXPECT_EQ(*begun.rbegin(), *begun.begin() + FrameGroup::kFrames - 1);
    for (const FrameNumber frame : taken) EXPECT_FALSE(begun.contains(frame.raw()));
}

// To the pool: whoever allocates next gets what he would have had without it.
TEST(FrameGroup, WhatIsLeftOfItGoesBack) {
    HostArena arena({});
    FrameCache& cache = arena.worker(0).frames;
    const FrameNumber before = cache.allocate().release();  // now it has a tree
    cache.free(before);
    const uint64_t cached = cache.cached(), free = arena.pool().free_frames();
    FrameNumber taken;
    {
        FrameGroup group(cache);
        for (int i = 0; i < 100; ++i) group.begin();
        EXPECT_EQ(cache.cached(), cached + FrameGroup::kFrames);
        taken = cache.allocate().release();
    }
    EXPECT_EQ(cache.cached(), cached);
    EXPECT_EQ(arena.pool().free_frames(), free - 1);
    EXPECT_EQ(cache.allocate().release(), before);
    EXPECT_FALSE(arena.pool().is_free(taken));
    EXPECT_TRUE(arena.pool().is_free(taken + 1));
}

TEST(FrameCache, OtherCpusFramesGoHomeInBatches) {
    HostArena arena({});
    FrameCache &home = arena.worker(0).frames, &other = arena.worker(1).frames;
    FrameNumber frames[FrameCache::kBatch];
    for (auto& frame : frames) frame = home.allocate().release();
    for (uint32_t i = 0; i + 1 < FrameCache::kBatch; ++i) other.free(frames[i]);
    EXPECT_EQ(home.inbox_length(), 0u);
    other.free(frames[FrameCache::kBatch - 1]);
    EXPECT_EQ(home.inbox_length(), FrameCache::kBatch);
    EXPECT_EQ(arena.frames_in_use(), 0u);
    expect_frames_add_up(arena);
}

TEST(FrameCache, EveryFrameCanBeAllocatedOnceAndOnlyOnce) {
    HostArena arena({.bytes = 16 << 20, .cpus = 2});
    std::set<FrameNumber> seen;
    for (uint64_t i = 0;; ++i) {
        auto frame = arena.worker(0).frames.allocate();
        if (!frame) {
            EXPECT_EQ(frame.error(), Error::NoMemory);
            break;
        }
        EXPECT_TRUE(seen.insert(*frame).second);
        EXPECT_EQ(arena.table()[*frame].kind(), FrameKind::Taken);
    }
    EXPECT_EQ(seen.size() + arena.header().permanent_pages, test::total_frames(arena));
    EXPECT_EQ(arena.frames_in_use(), seen.size());
    for (FrameNumber frame : seen) arena.worker(1).frames.free(frame);
    EXPECT_EQ(arena.frames_in_use(), 0u);
    drain_all(arena);
    expect_frames_add_up(arena);
}

// What one CPU holds back is the other's after a drain: nothing is lost to caches when memory is short.
TEST(FrameCache, DrainBringsOutWhatCachesHold) {
    HostArena arena({.bytes = 16 << 20, .cpus = 2});
    FrameCache &rich = arena.worker(0).frames, &poor = arena.worker(1).frames;
    rich.free(rich.allocate().release());
    std::vector<FrameNumber> taken;
    for (auto frame = poor.allocate(); frame;
         taken.push_back(*frame), new (&frame) Result(poor.allocate())) {
    }
    EXPECT_GT(rich.cached(), 0u);
    rich.drain();
    EXPECT_EQ(rich.cached(), 0u);
    EXPECT_TRUE(poor.allocate().ok());
}

TEST(FrameCache, EnsureMakesReservedTakesSafe) {
    HostArena arena({});
    FrameCache& cache = arena.worker(0).frames;
    for (int round = 0; round < 200; ++round) {
        ASSERT_TRUE(cache.ensure(5).ok());
        for (int i = 0; i < 5; ++i) (void)cache.allocate_reserved();
    }
    EXPECT_EQ(arena.frames_in_use(), 1000u);
}

TEST(FrameCache, TwoMebibytesAreAlignedAndSplitIntoFrames) {
    HostArena arena({.bytes = 16 << 20});
    FrameCache& cache = arena.worker(0).frames;
    const uint64_t free_before = arena.pool().free_frames();
    const FrameNumber area = cache.allocate_aligned(9).release();
    EXPECT_EQ(area.raw() % kFramesPerArea, 0u);
    EXPECT_FALSE(arena.pool().is_free(area));
    EXPECT_EQ(cache.allocate_range({area + 5, 1}).error(), Error::Busy);
    cache.split_area(area);
    for (uint64_t i = 0; i < kFramesPerArea; ++i) cache.free(area + i);
    drain_all(arena);
    EXPECT_EQ(arena.pool().free_frames(), free_before);
    const FrameNumber again = cache.allocate_areas(2).release();
    cache.free_areas(again, 2);
    EXPECT_EQ(arena.pool().free_frames(), free_before);
    EXPECT_EQ(arena.frames_in_use(), 0u);
}

TEST(FrameCache, RangesCrossAreas) {
    HostArena arena({.bytes = 16 << 20});
    FrameCache& cache = arena.worker(0).frames;
    const FrameRange range{HostArena::kFirstFrame + 200, 1000};
    ASSERT_TRUE(cache.allocate_range(range).ok());
    const uint64_t free_between = arena.pool().free_frames();
    EXPECT_EQ(cache.allocate_range({range.first + 999, 2}).error(), Error::Busy);
    EXPECT_EQ(cache.allocate_range({HostArena::kFirstFrame, 300}).error(), Error::Busy);
    EXPECT_EQ(arena.pool().free_frames(), free_between);
    cache.free_range(range);
    expect_frames_add_up(arena);
}

TEST(FrameCacheDeathTest, CatchesDoubleFree) {
    HostArena arena({});
    FrameCache& cache = arena.worker(0).frames;
    const FrameNumber frame = cache.allocate().release();
    cache.free(frame);
    EXPECT_DEATH(cache.free(frame), "frame freed that is not allocated");
}

}  // namespace
}  // namespace shoal::vm
