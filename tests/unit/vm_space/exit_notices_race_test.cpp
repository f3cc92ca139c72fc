// Exit notices beside one another: who watches, who ends, who is told and who asks, on several CPUs at once.
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "abi/memory.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/vm/lock_stop.hpp"
#include "tests/unit/vm_space/notices.hpp"

namespace shoal::vm::test {
namespace {

// Threads of one watcher wait on all CPUs, for the ends of processes that others make, have watched, and end.
TEST(ExitNoticesRace, EveryEndIsToldOnceToWhoeverWaits) {
    constexpr unsigned kCpus = 3, kRounds = 200, kMakers = 3, kAskers = 4;
    Harness vm{{.cpus = kCpus}};
    const ProcessId watcher = vm.create(kCpu0);
    std::mutex lock;
    std::map<uint32_t, unsigned> told;
    std::atomic<unsigned> heard{0};
    std::vector<std::thread> askers, makers;
    for (unsigned i = 0; i < kAskers; ++i)
        askers.emplace_back([&, cpu = CpuId::from(i % kCpus)] {
            for (;;) {
                const News news = query(vm, cpu, watcher, kQueryExitWait);
                if (news.error == Error::NoProcess) return;
                ASSERT_EQ(news.error, Error::None);
                if (news.what == ExitNotice::Signal) continue;
                std::lock_guard guard(lock);
                ++told[news.process.raw()];
                ++heard;
            }
        });
    std::vector<uint32_t> ended;
    for (unsigned i = 0; i < kMakers; ++i)
        makers.emplace_back([&, cpu = CpuId::from(i % kCpus)] {
            for (unsigned round = 0; round < kRounds; ++round) {
                const ProcessId process = vm.create(cpu);
                ASSERT_EQ(watch(vm, cpu, watcher, process), Error::None);
                if (round % 3 == 0) { ASSERT_EQ(signal(vm, cpu, process, {}), Error::None); }
                ASSERT_EQ(vm.exit(cpu, process), Error::None);
                std::lock_guard guard(lock);
                ended.push_back(process.raw());
            }
        });
    for (std::thread& maker : makers) maker.join();
    while (heard < kMakers * kRounds && !testing::Test::HasFailure()) std::this_thread::yield();
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.exit(kCpu0, watcher), Error::None);
    for (std::thread& asker : askers) asker.join();
    for (const uint32_t process : ended) EXPECT_EQ(told[process], 1u) << process;
    EXPECT_EQ(told.size(), ended.size());
    EXPECT_EQ(vm.audit(), 0u);
}

// Everybody watches, tells, asks and ends everybody, in no order: whoever ends takes its watches with it, whatever else is just done to them.
TEST(ExitNoticesRace, EverybodyWatchesEverybody) {
    constexpr unsigned kCpus = 2, kActors = 4, kSteps = 3'000;
    const uint64_t seed = shoal::test::seed();
    Harness vm{{.cpus = kCpus, .slots = 16}};
    std::atomic<uint32_t> processes[8];
    for (unsigned i = 0; i < std::size(processes); ++i) processes[i] = vm.create(CpuId::from(i % kCpus)).raw();
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kActors; ++i)
        threads.emplace_back([&, i, cpu = CpuId::from(i % kCpus)] {
            std::mt19937_64 random(seed + i);
            const auto somebody = [&] { return ProcessId{processes[random() % std::size(processes)]}; };
            for (unsigned step = 0; step < kSteps; ++step) {
                const ProcessId by = somebody(), of = somebody();
                if (by.raw() == 0 || of.raw() == 0) continue;
                const unsigned what = random() % 16;
                if (what < 6) (void)watch(vm, cpu, by, of);
                else if (what < 9) (void)signal(vm, cpu, of, random() % 2 == 0 ? by : ProcessId{});
                else if (what < 14) (void)query(vm, cpu, by);
                else {
                    std::atomic<uint32_t>& place = processes[random() % std::size(processes)];
                    const ProcessId old{place.exchange(0)};
                    if (old.raw() == 0) continue;
                    ASSERT_EQ(vm.exit(cpu, old), Error::None);
                    place = vm.create(CpuId::from(random() % kCpus)).raw();
                }
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(vm.audit(), 0u);
    for (const std::atomic<uint32_t>& process : processes) EXPECT_EQ(vm.exit(kCpu0, ProcessId{process}), Error::None);
    int64_t watches = 0;
    for (uint32_t cpu = 0; cpu < kCpus; ++cpu) watches += vm.arena().header().workers[cpu].slabs.live(SlabType::Watch);
    EXPECT_EQ(watches, 0);
    EXPECT_EQ(vm.audit(), 0u);
}

// The watcher ends while its threads wait and the watched ones end: each wait ends, too, with news or with NoProcess.
TEST(ExitNoticesRace, AWatcherEndsBesideThoseWhomItWatches) {
    constexpr unsigned kCpus = 2, kRounds = 150;
    Harness vm{{.cpus = kCpus}};
    for (unsigned round = 0; round < kRounds; ++round) {
        const ProcessId watcher = vm.create(kCpu0), watched = vm.create(kCpu1);
        ASSERT_EQ(watch(vm, kCpu0, watcher, watched), Error::None);
        ASSERT_EQ(watch(vm, kCpu0, watched, watcher), Error::None);
        std::thread asker([&] {
            const News news = query(vm, kCpu1, watcher, kQueryExitWait);
            EXPECT_TRUE(news.error == Error::NoProcess || news == (News{Error::None, watched, ExitNotice::Ended, false})) << news;
        });
        std::thread other([&] { EXPECT_EQ(vm.exit(kCpu1, watched), Error::None); });
        EXPECT_EQ(vm.exit(kCpu0, watcher), Error::None);
        other.join();
        asker.join();
    }
    EXPECT_EQ(vm.audit(), 0u);
}

// One of two ends between the other's look at the name of the first and its look at both: whichever is first, the watch ends once.
class TwoEndAtOnce : public ::testing::Test {
  protected:
    void TearDown() override {
        for (const ProcessId process : {lower, upper}) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
        for (uint32_t cpu = 0; cpu < 2; ++cpu) watches += vm.arena().header().workers[cpu].slabs.live(SlabType::Watch);
        EXPECT_EQ(watches, 0);
    }
    void end(CpuId cpu, ProcessId process) {
        std::lock_guard turn(vm.machine.turn(cpu));
        WorkerContext worker = vm.context(cpu);
        end_watches(worker, *vm.processes().find(process));
    }

    // The upper one's end stops at the first lock of two, the lower one's, and knows only its name; the lower one ends; the upper one goes on.
    void end_both() {
        ASSERT_LT(lower.slot(), upper.slot());
        LockStop stop(kCpu1);
        std::thread ending;
        {
            std::lock_guard turn(vm.machine.turn(kCpu0));
            WorkerContext holder = vm.context(kCpu0);
            Guard guard(holder.locks(), vm.processes().slot(lower)->lifecycle);
            ending = std::thread([&] { end(kCpu1, upper); });
            ASSERT_TRUE(stop.reached());
        }
        end(kCpu0, lower);
        stop.release();
        ending.join();
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : {lower, upper}) EXPECT_EQ(query(vm, kCpu0, process), News{}) << "who has ended hears nothing";
    }

    Harness vm{{.cpus = 2}};
    const ProcessId lower = vm.create(kCpu0), upper = vm.create(kCpu0);
    int64_t watches = 0;
};

TEST_F(TwoEndAtOnce, WhoIsToBeToldHasGone) {
    for (const auto& [by, of] : {std::pair{lower, upper}, {upper, lower}}) ASSERT_EQ(watch(vm, kCpu0, by, of), Error::None);
    end_both();
}

TEST_F(TwoEndAtOnce, WhoIsWatchedHasGone) {
    ASSERT_EQ(watch(vm, kCpu0, upper, lower), Error::None);
    end_both();
}

}  // namespace
}  // namespace shoal::vm::test
