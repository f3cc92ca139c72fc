// Guarantees (a) to (e) of FramePool and FrameCache with every CPU at work: frames are stamped by their taker, so that a
// frame in two hands shows; in the end everything adds up.
#include <gtest/gtest.h>

#include <mutex>

#include "servers/vm/arena/window.hpp"
#include "workers.hpp"

namespace shoal::vm {
namespace {

using test::drain_all;
using test::expect_frames_add_up;
using test::run_workers;

constexpr int kSteps = 30'000;

// A place where CPUs leave frames for one another.
class Exchange {
  public:
    void put(FrameNumber frame) {
        std::lock_guard lock(mutex_);
        frames_.push_back(frame);
    }
    bool take(FrameNumber& frame) {
        std::lock_guard lock(mutex_);
        if (frames_.empty()) return false;
        frame = frames_.back();
        frames_.pop_back();
        return true;
    }

  private:
    std::mutex mutex_;
    std::vector<FrameNumber> frames_;
};

void stamp(FrameNumber frame) {
    *window_pointer<uint64_t>(frame) = frame.raw() * 0x9e3779b97f4a7c15;
}
bool stamped(FrameNumber frame) {
    return *window_pointer<uint64_t>(frame) == frame.raw() * 0x9e3779b97f4a7c15;
}
void free_stamped(Worker& worker, FrameNumber frame) {
    ASSERT_TRUE(stamped(frame)) << "frame in two hands";
    *window_pointer<uint64_t>(frame) = 0;
    worker.frames.free(frame);
}

TEST(FrameTorture, FramesWanderBetweenCpus) {
    HostArena arena({.bytes = 16 << 20, .cpus = 4});
    Exchange exchange;
    const uint64_t seed = test::fresh_seed();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    run_workers(arena, [&](Worker& worker) {
        std::mt19937_64 random(seed + worker.cpu.raw());
        for (int step = 0; step < kSteps; ++step) {
            FrameNumber frame;
            if (random() % 2 == 0) {
                auto taken = worker.frames.allocate();
                if (!taken) {
                    worker.frames.drain();
                    continue;
                }
                stamp(*taken);
                exchange.put(*taken);
            } else if (exchange.take(frame)) {
                free_stamped(worker, frame);
            }
            if (random() % 512 == 0) worker.frames.flush_outgoing();
        }
    });
    for (FrameNumber frame; exchange.take(frame);) free_stamped(arena.worker(0), frame);
    EXPECT_EQ(arena.frames_in_use(), 0u);
    drain_all(arena);
    expect_frames_add_up(arena);
}

// Its frames go one by one.
void give_up_block(Worker& worker, FrameRange& block) {
    for (uint64_t i = 0; i < block.count; ++i) free_stamped(worker, block.first + i);
    block = {};
}
void exchange_block(Worker& worker, FrameRange& block, uint32_t frames) {
    give_up_block(worker, block);
    uint32_t left = worker.arena->frame_pool->areas();
    auto taken = worker.frames.allocate_block({.frames = frames}, left);
    if (!taken) return worker.frames.drain();
    block = *taken;
    for (uint64_t i = 0; i < block.count; ++i) stamp(block.first + i);
}

// Small memory, so that takers empty areas under each other's eyes, beside whole areas and aligned pieces.
TEST(FrameTorture, PiecesOfAllSizesInScarceMemory) {
    HostArena arena({.bytes = 8 << 20, .cpus = 4});
    const uint64_t seed = test::fresh_seed();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    run_workers(arena, [&](Worker& worker) {
        std::mt19937_64 random(seed + worker.cpu.raw());
        std::vector<std::pair<FrameNumber, unsigned>> held;
        FrameRange block;
        for (int step = 0; step < kSteps / 10; ++step) {
            if (random() % 16 == 0) exchange_block(worker, block, static_cast<uint32_t>(1 + random() % 700));
            const unsigned order = random() % 64 == 0 ? 9 : static_cast<unsigned>(random() % 7);
            if (random() % 2 == 0) {
                auto first = worker.frames.allocate_aligned(order);
                if (!first) continue;
                for (uint64_t i = 0; i < uint64_t{1} << order; ++i) stamp(*first + i);
                held.emplace_back(*first, order);
            } else if (!held.empty()) {
                const auto [first, size] = held.back();
                held.pop_back();
                for (uint64_t i = 0; i < uint64_t{1} << size; ++i) ASSERT_TRUE(stamped(first + i));
                worker.frames.free_aligned(first, size);
            }
        }
        for (const auto& [first, order] : held) worker.frames.free_aligned(first, order);
        give_up_block(worker, block);
    });
    EXPECT_EQ(arena.frames_in_use(), 0u);
    drain_all(arena);
    expect_frames_add_up(arena);
}

TEST(FrameTorture, OneProducesAllOthersFree) {
    HostArena arena({.bytes = 16 << 20, .cpus = 3});
    Exchange exchange;
    std::atomic<bool> done{false};
    run_workers(arena, [&](Worker& worker) {
        if (worker.cpu.raw() == 0) {
            for (int i = 0; i < kSteps; ++i) {
                auto frame = worker.frames.allocate();
                if (!frame) continue;
                stamp(*frame);
                exchange.put(*frame);
            }
            done = true;
            return;
        }
        for (FrameNumber frame; !done || exchange.take(frame);) {
            if (frame.raw() != 0 || exchange.take(frame)) free_stamped(worker, frame);
            frame = FrameNumber{0};
        }
    });
    EXPECT_EQ(arena.frames_in_use(), 0u);
    drain_all(arena);
    expect_frames_add_up(arena);
}

}  // namespace
}  // namespace shoal::vm
