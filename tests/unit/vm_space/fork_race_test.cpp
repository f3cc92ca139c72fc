// Forks beside the source's own threads.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

Error fork_on(Harness& vm, CpuId cpu, ProcessId from, ProcessId to) {
    return vm.call(cpu, from, VmCall::Fork, {{0, from.raw(), to.raw()}}).outcome();
}

class ForkRace : public ::testing::TestWithParam<uint32_t> {
  protected:
    static constexpr unsigned kWriters = 3;
    static constexpr uint64_t kPages = 40;

    Harness vm{{.cpus = kWriters + 1, .lateness = GetParam()}};
    const ProcessId parent = vm.create(kCpu0);
    const VirtualAddress at = vm.mmap(kCpu0, parent, kPages * kPageSize).release();
    [[nodiscard]] VirtualAddress word(uint64_t page, unsigned writer) const { return at + page * kPageSize + 8 * writer; }
};

// Each writer counts up in words of its own, first in one page, then in the next. A copy holds, for each writer, a count at most one behind
// in a later page, and it never changes; the writer never loses one.
TEST_P(ForkRace, ACopyStandsStillWhileTheSourceGoesOn) {
    std::atomic<bool> done{false};
    std::vector<std::thread> writers;
    for (unsigned writer = 0; writer < kWriters; ++writer)
        writers.emplace_back([&, writer] {
            const CpuId cpu = CpuId::from(writer + 1);
            for (uint64_t count = 1; !done; ++count)
                for (uint64_t page = 0; page < kPages; ++page) {
                    EXPECT_EQ(vm.read(cpu, parent, word(page, writer)).release(), count - 1);
                    EXPECT_EQ(vm.write(cpu, parent, word(page, writer), count), Error::None);
                }
        });
    for (unsigned round = 0; round < 30; ++round) {
        const ProcessId child = vm.create(kCpu0);
        ASSERT_EQ(fork_on(vm, kCpu0, parent, child), Error::None);
        uint64_t seen[kWriters][kPages];
        for (unsigned writer = 0; writer < kWriters; ++writer)
            for (uint64_t page = 0; page < kPages; ++page) seen[writer][page] = vm.read(kCpu0, child, word(page, writer)).release();
        for (unsigned writer = 0; writer < kWriters; ++writer)
            for (uint64_t page = 0; page < kPages; ++page)
                EXPECT_EQ(vm.read(kCpu0, child, word(page, writer)).release(), seen[writer][page]);
        ASSERT_EQ(vm.exit(kCpu0, child), Error::None);
    }
    done = true;
    for (std::thread& writer : writers) writer.join();
    EXPECT_EQ(vm.audit(), 0u);
}

// What threads of one process tell each other holds for pages that are being copied, too: who has seen the second word sees the first.
TEST_P(ForkRace, ThreadsOfTheSourceSeeEachOthersWritesInOrder) {
    std::atomic<bool> done{false};
    std::thread writer([&] {
        for (uint64_t count = 1; !done; ++count) {
            EXPECT_EQ(vm.write(kCpu1, parent, word(0, 0), count), Error::None);
            EXPECT_EQ(vm.write(kCpu1, parent, word(1, 0), count), Error::None);
        }
    });
    std::thread reader([&] {
        while (!done) {
            const uint64_t second = vm.read(kCpu2, parent, word(1, 0)).release();
            EXPECT_GE(vm.read(kCpu2, parent, word(0, 0)).release(), second);
        }
    });
    for (unsigned round = 0; round < 200; ++round) {
        const ProcessId child = vm.create(kCpu0);
        ASSERT_EQ(fork_on(vm, kCpu0, parent, child), Error::None);
        ASSERT_EQ(vm.exit(kCpu0, child), Error::None);
    }
    done = true;
    writer.join();
    reader.join();
    EXPECT_EQ(vm.audit(), 0u);
}

// Calls that change mappings wait for those that are being copied; two forks for each other.
TEST_P(ForkRace, CallsOfTheSourceAndOtherForks) {
    std::atomic<unsigned> left{2};
    std::vector<std::thread> threads;
    for (unsigned index = 0; index < 2; ++index)
        threads.emplace_back([&, index] {
            const CpuId cpu = CpuId::from(index);
            for (unsigned round = 0; round < 40; ++round) {
                const ProcessId child = vm.create(cpu);
                EXPECT_EQ(fork_on(vm, cpu, parent, child), Error::None);
                EXPECT_EQ(vm.exit(cpu, child), Error::None);
            }
            --left;
        });
    for (unsigned index = 2; index < 4; ++index)
        threads.emplace_back([&, index] {
            const CpuId cpu = CpuId::from(index);
            for (uint64_t count = 1; left > 0; ++count) {
                const VirtualAddress mine = vm.mmap(cpu, parent, 6 * kPageSize).release();
                for (uint64_t page = 0; page < 6; ++page) EXPECT_EQ(vm.write(cpu, parent, mine + page * kPageSize, count), Error::None);
                EXPECT_EQ(vm.mprotect(cpu, parent, mine + kPageSize, 2 * kPageSize, kProtectRead), Error::None);
                EXPECT_EQ(vm.write(cpu, parent, mine + kPageSize, 1), Error::AccessDenied);
                EXPECT_EQ(vm.munmap(cpu, parent, mine + 4 * kPageSize, kPageSize), Error::None);
                EXPECT_EQ(vm.read(cpu, parent, mine + 2 * kPageSize).release(), count);
                EXPECT_EQ(vm.munmap(cpu, parent, mine, 6 * kPageSize), Error::None);
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(vm.audit(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Prompt, ForkRace, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Late, ForkRace, ::testing::Values(7));

// CPU 1 has the source's pages cached and does not come to flush them.
class ForkBesideADeafCpu : public ::testing::Test {
  protected:
    static constexpr auto kLongEnough = std::chrono::milliseconds(100);
    static constexpr uint64_t kLeaves = 10;

    void SetUp() override {
        for (uint64_t leaf = 0; leaf < kLeaves; ++leaf) ASSERT_EQ(vm.write(kCpu1, parent, page(leaf), 100 + leaf), Error::None);
        for (const CpuId cpu : {kCpu0, kCpu2}) ASSERT_EQ(vm.read(cpu, parent, page(0)).release(), 100u);
    }
    void TearDown() override {
        EXPECT_EQ(vm.exit(kCpu0, child), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    [[nodiscard]] VirtualAddress page(uint64_t leaf) const { return at + leaf * kLeafSize; }
    [[nodiscard]] PageEntry first_entry() { return vm.processes().find(parent)->leaves.find(page(0))->table().get(page_in_leaf(page(0))); }
    // After a fork, when CPU 1 has it cached: the frame that source and copy hold there.
    const FrameInfo& share_first_page() {
        EXPECT_EQ(fork_on(vm, kCpu0, parent, child), Error::None);
        EXPECT_EQ(vm.read(kCpu1, parent, page(0)).release(), 100u);
        return vm.arena().table()[first_entry().frame()];
    }
    // Starts it, and comes back when it has asked CPU 1 to flush.
    std::thread start(std::function<void()> body) {
        const uint64_t flushes = vm.machine.remote_flushes;
        std::thread thread(std::move(body));
        while (vm.machine.remote_flushes == flushes) std::this_thread::yield();
        return thread;
    }
    // What must wait for CPU 1 does.
    void expect_to_wait(std::function<void()> body, std::unique_lock<std::mutex>& deaf) {
        std::atomic<bool> done{false};
        std::thread thread([&] { body(), done = true; });
        std::this_thread::sleep_for(kLongEnough);
        EXPECT_FALSE(done);
        deaf.unlock();
        thread.join();
    }

    Harness vm{{.cpus = 3}};
    const ProcessId parent = vm.create(kCpu0), child = vm.create(kCpu0);
    const VirtualAddress at = vm.mmap(kCpu0, parent, kLeaves * kLeafSize).release();
};

TEST_F(ForkBesideADeafCpu, NoCopyIsMadeWhileSomebodyMayStillWrite) {
    std::unique_lock deaf(vm.machine.turn(kCpu1));
    std::thread forking = start([&] { EXPECT_EQ(fork_on(vm, kCpu0, parent, child), Error::None); });
    expect_to_wait([&] { EXPECT_EQ(vm.write(kCpu2, parent, page(0), 7), Error::None); }, deaf);
    forking.join();
    EXPECT_EQ(vm.read(kCpu1, parent, page(0)).release(), 7u);
    EXPECT_EQ(vm.read(kCpu0, child, page(0)).release(), 100u);
}

TEST_F(ForkBesideADeafCpu, NoCopyIsWrittenWhileSomebodyMayReadTheOldOne) {
    ASSERT_EQ(fork_on(vm, kCpu0, parent, child), Error::None);
    ASSERT_EQ(vm.read(kCpu1, parent, page(0)).release(), 100u);
    std::unique_lock deaf(vm.machine.turn(kCpu1));
    std::thread breaking = start([&] { EXPECT_EQ(vm.write(kCpu2, parent, page(0), 7), Error::None); });
    // CPU 0 has forgotten the page: it finds what stands in the table.
    expect_to_wait([&] { EXPECT_EQ(vm.write(kCpu0, parent, page(0) + 8, 8), Error::None); }, deaf);
    breaking.join();
    for (const CpuId cpu : {kCpu0, kCpu1, kCpu2}) {
        EXPECT_EQ(vm.read(cpu, parent, page(0)).release(), 7u);
        EXPECT_EQ(vm.read(cpu, parent, page(0) + 8).release(), 8u);
    }
}

TEST_F(ForkBesideADeafCpu, WhatIsNotYetCopiedStays) {
    std::unique_lock deaf(vm.machine.turn(kCpu1));
    std::thread forking = start([&] { EXPECT_EQ(fork_on(vm, kCpu0, parent, child), Error::None); });
    expect_to_wait([&] { EXPECT_EQ(vm.munmap(kCpu2, parent, page(kLeaves - 1), kLeafSize), Error::None); }, deaf);
    forking.join();
    EXPECT_EQ(vm.read(kCpu0, parent, page(kLeaves - 1)).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu0, child, page(kLeaves - 1)).release(), 100 + kLeaves - 1);
}

// A fork that fails takes no mark away that another one has set.
TEST_F(ForkBesideADeafCpu, ForksOfOneSourceTakeTurns) {
    const ProcessId poor = vm.create(kCpu0, 1);
    Quota& nothing = vm.processes().find(poor)->quota;
    ASSERT_TRUE(nothing.charge(vm.arena().worker(0).locks, vm.arena().worker(0).slabs, PageCount{1}).ok());
    std::unique_lock deaf(vm.machine.turn(kCpu1));
    std::thread forking = start([&] { EXPECT_EQ(fork_on(vm, kCpu0, parent, child), Error::None); });
    std::thread failing([&] { EXPECT_EQ(fork_on(vm, kCpu2, parent, poor), Error::NoMemory); });
    std::this_thread::sleep_for(kLongEnough);
    expect_to_wait([&] { EXPECT_EQ(vm.munmap(kCpu2, parent, page(kLeaves - 1), kLeafSize), Error::None); }, deaf);
    forking.join();
    failing.join();
    EXPECT_EQ(vm.read(kCpu0, child, page(kLeaves - 1)).release(), 100 + kLeaves - 1);
    nothing.refund(vm.arena().worker(0).locks, PageCount{1});
    EXPECT_EQ(vm.exit(kCpu0, poor), Error::None);
}

TEST_F(ForkBesideADeafCpu, TheBreakStandsStill) {
    Space& space = *vm.processes().find(parent);
    const VirtualAddress heap{uint64_t{1} << 28};
    space.heap_start = space.heap_end = heap;
    const auto brk = [&](CpuId cpu, ProcessId process, uint64_t pages) {
        return vm.call(cpu, process, VmCall::Brk, {{0, (heap + pages * kPageSize).raw()}}).outcome();
    };
    ASSERT_EQ(brk(kCpu0, parent, 2), Error::None);
    std::unique_lock deaf(vm.machine.turn(kCpu1));
    std::thread forking = start([&] { EXPECT_EQ(fork_on(vm, kCpu0, parent, child), Error::None); });
    expect_to_wait([&] { EXPECT_EQ(brk(kCpu2, parent, 3), Error::None); }, deaf);
    forking.join();
    EXPECT_EQ(vm.read(kCpu0, child, heap + 2 * kPageSize).error(), Error::BadAddress);
    EXPECT_EQ(brk(kCpu0, child, 3), Error::None);
    for (const ProcessId process : {parent, child})
        for (uint64_t page = 0; page < 3; ++page) EXPECT_EQ(vm.read(kCpu0, process, heap + page * kPageSize).release(), 0u);
}

TEST_F(ForkBesideADeafCpu, ACopyIsOfOneSource) {
    const ProcessId other = vm.create(kCpu0);
    ASSERT_TRUE(vm.mmap(kCpu0, other, kPageSize).ok());
    std::unique_lock deaf(vm.machine.turn(kCpu1));
    std::thread forking = start([&] { EXPECT_EQ(fork_on(vm, kCpu0, parent, child), Error::None); });
    EXPECT_EQ(fork_on(vm, kCpu2, other, child), Error::Exists);
    EXPECT_EQ(fork_on(vm, kCpu2, other, parent), Error::Exists);
    deaf.unlock();
    forking.join();
    EXPECT_EQ(vm.read(kCpu0, child, page(1)).release(), 101u);
    EXPECT_EQ(vm.exit(kCpu0, other), Error::None);
}

TEST_F(ForkBesideADeafCpu, NobodyUsesACopyThatIsNotWhole) {
    std::unique_lock deaf(vm.machine.turn(kCpu1));
    std::thread forking = start([&] { EXPECT_EQ(fork_on(vm, kCpu0, parent, child), Error::None); });
    expect_to_wait([&] { EXPECT_EQ(vm.read(kCpu2, child, page(kLeaves - 1)).release(), 100 + kLeaves - 1); }, deaf);
    forking.join();
}

// CPU 1 may read the frame until it has flushed, although nothing maps it any more.
TEST_F(ForkBesideADeafCpu, ASharedFrameStaysUntilItsLastReaderHasFlushed) {
    const FrameInfo& frame = share_first_page();
    std::unique_lock deaf(vm.machine.turn(kCpu1));
    std::thread unmapping = start([&] { EXPECT_EQ(vm.munmap(kCpu2, parent, page(0), 4 * kPageSize), Error::None); });
    EXPECT_EQ(vm.munmap(kCpu0, child, page(0), kPageSize), Error::None);
    EXPECT_TRUE(first_entry().is_leaving());
    EXPECT_EQ(frame.references(), 1u);
    deaf.unlock();
    unmapping.join();
    EXPECT_EQ(frame.references(), 0u);
    EXPECT_EQ(first_entry(), PageEntry{});
}

TEST_F(ForkBesideADeafCpu, AFrameWithACopyInItsPlaceStaysAsLong) {
    const FrameInfo& frame = share_first_page();
    std::unique_lock deaf(vm.machine.turn(kCpu1));
    std::thread breaking = start([&] { EXPECT_EQ(vm.write(kCpu2, parent, page(0), 7), Error::None); });
    EXPECT_EQ(vm.munmap(kCpu0, child, page(0), kPageSize), Error::None);
    EXPECT_EQ(frame.references(), 1u);
    deaf.unlock();
    breaking.join();
    EXPECT_EQ(frame.references(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
