#include <gtest/gtest.h>

#include <deque>

#include "workers.hpp"

namespace shoal::vm {
namespace {

struct Object {
    RetireHook hook;
    bool disposed = false;
};

class Reclaim : public testing::Test {
  protected:
    HostArena arena{{.cpus = 3}};
    Worker& self = arena.worker(0);
    std::deque<Object> objects;
    unsigned disposals = 0;

    Object& retire() {
        Object& object = objects.emplace_back();
        self.reclaimer.retire(object.hook, 5);
        return object;
    }
    void expedite() {
        self.reclaimer.expedite([this](RetireHook& hook) {
            EXPECT_EQ(hook.deleter(), 5);
            reinterpret_cast<Object*>(&hook)->disposed = true;
            ++disposals;
        });
    }
};

TEST_F(Reclaim, NobodyInsideNobodyToWaitFor) {
    Object& object = retire();
    expedite();
    expedite();
    EXPECT_TRUE(object.disposed);
    EXPECT_EQ(self.reclaimer.pending(), 0u);
}

TEST_F(Reclaim, WaitsForEachWorkerThatWasInside) {
    arena.worker(1).epoch.enter_fenced();
    arena.worker(2).epoch.enter_fenced();
    Object& object = retire();
    expedite();
    arena.worker(1).epoch.leave();
    expedite();
    EXPECT_FALSE(object.disposed);
    arena.worker(2)
        .epoch
        .enter_fenced();  // received the next message without blocking: quiescent all the same
    expedite();
    EXPECT_TRUE(object.disposed);
}

TEST_F(Reclaim, DoesNotWaitForWorkersThatEnterLater) {
    Object& object = retire();
    expedite();
    arena.worker(1).epoch.enter_fenced();
    expedite();
    EXPECT_TRUE(object.disposed);
}

TEST_F(Reclaim, LeavingAndReenteringCountsAsQuiescent) {
    WorkerEpoch& epoch = arena.worker(1).epoch;
    epoch.enter_fenced();
    const uint64_t inside = epoch.value();
    Object& object = retire();
    expedite();
    epoch.leave();
    epoch.leave();  // twice does no harm
    epoch.enter_fenced();
    EXPECT_NE(epoch.value(), inside);
    expedite();
    EXPECT_TRUE(object.disposed);
}

TEST_F(Reclaim, ObjectsRetiredDuringAGracePeriodWaitForTheNext) {
    arena.worker(1).epoch.enter_fenced();
    Object& early = retire();
    expedite();
    Object& late = retire();
    arena.worker(1).epoch.enter_fenced();
    expedite();  // disposes of the first, starts the second
    EXPECT_TRUE(early.disposed);
    EXPECT_FALSE(late.disposed);
    expedite();
    EXPECT_FALSE(late.disposed);
    arena.worker(1).epoch.leave();
    expedite();
    EXPECT_TRUE(late.disposed);
}

TEST_F(Reclaim, PollGathersABatchFirst) {
    const auto poll = [this] { self.reclaimer.poll([this](RetireHook&) { ++disposals; }); };
    for (uint32_t i = 1; i < self.reclaimer.batch_size(); ++i) retire();
    poll();
    poll();
    EXPECT_EQ(disposals, 0u);
    retire();
    poll();
    poll();
    EXPECT_EQ(disposals, self.reclaimer.batch_size());
}

// Guarantee (a) with readers: each reader looks at the current object, twice, while inside; a disposed object is poisoned at
// once. 256 workers on a few threads, each playing many.
struct Shared {
    RetireHook hook;
    std::atomic<uint64_t> value{0};
};
constexpr uint64_t kAlive = 0xa11fe;

class ReclaimTorture : public testing::TestWithParam<uint32_t> {};

TEST_P(ReclaimTorture, ReadersNeverSeeDisposedObjects) {
    const uint32_t cpus = GetParam(), thread_count = 4;
    HostArena arena({.bytes = 256 << 20, .cpus = cpus});
    std::vector<Shared> pool(cpus * 64);
    std::atomic<Shared*> current{&pool[0]};
    pool[0].value = kAlive;
    std::atomic<uint64_t> disposed{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (uint32_t id = 1; id < thread_count; ++id) {
        readers.emplace_back([&, id] {
            while (!stop.load(std::memory_order_relaxed)) {
                for (uint32_t cpu = id; cpu < cpus; cpu += thread_count - 1) {
                    WorkerEpoch& epoch = arena.worker(cpu).epoch;
                    epoch.enter_fenced();
                    const Shared* seen = current.load(std::memory_order_acquire);
                    for (int i = 0; i < 2; ++i)
                        ASSERT_EQ(seen->value.load(std::memory_order_relaxed), kAlive);
                    if (cpu % 2 == 0) epoch.leave();
                }
            }
            for (uint32_t cpu = id; cpu < cpus; cpu += thread_count - 1)
                arena.worker(cpu).epoch.leave();
        });
    }
    Worker& writer = arena.worker(0);
    std::vector<Shared*> spare;
    for (size_t i = 1; i < pool.size(); ++i) spare.push_back(&pool[i]);
    const auto dispose = [&](RetireHook& hook) {
        auto* object = reinterpret_cast<Shared*>(&hook);
        object->value.store(0xdead, std::memory_order_relaxed);
        spare.push_back(object);
        disposed.fetch_add(1, std::memory_order_relaxed);
    };
    const uint64_t target = pool.size() * 4;
    while (disposed.load(std::memory_order_relaxed) < target) {
        if (!spare.empty()) {
            Shared* fresh = spare.back();
            spare.pop_back();
            fresh->value.store(kAlive, std::memory_order_relaxed);
            Shared* old = current.exchange(fresh, std::memory_order_acq_rel);
            writer.reclaimer.retire(old->hook, 0);
        }
        writer.reclaimer.poll(dispose);
        if (spare.empty()) std::this_thread::yield();
    }
    stop = true;
    for (auto& reader : readers) reader.join();
}

INSTANTIATE_TEST_SUITE_P(Workers, ReclaimTorture, testing::Values(4u, 256u));

}  // namespace
}  // namespace shoal::vm
