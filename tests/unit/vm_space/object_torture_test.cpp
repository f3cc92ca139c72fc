// Objects under threads: spaces that touch, attach, fork and let go of the same memory at once.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "servers/vm/flush/flush_batch.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class ObjectTorture : public ::testing::Test {
  protected:
    static constexpr unsigned kThreads = 4;
    static constexpr uint64_t kFlags = kMapShared | kMapAnonymous;

    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }
    template <typename Body>
    static void on_all(Body body) {
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back([=] { body(i); });
        for (std::thread& thread : threads) thread.join();
    }
    VirtualAddress map(CpuId cpu, ProcessId process, uint64_t pages) {
        return vm.mmap(cpu, process, pages * kPageSize, kProtectRead | kProtectWrite, kFlags).release();
    }
    Error give(CpuId cpu, ProcessId from, VirtualAddress at, uint64_t pages, ProcessId to, VirtualAddress wish) {
        return vm.call(cpu, from, VmCall::Remap, {{0, to.raw(), from.raw(), wish.raw(), at.raw(), pages * kPageSize}}).outcome();
    }

    Harness vm{{.cpus = kThreads}};
};

// Whoever is first makes the page; nobody's first write is lost.
TEST_F(ObjectTorture, AllTouchTheSamePagesFirst) {
    constexpr uint64_t kPages = 200;
    const VirtualAddress wish{uint64_t{9} << 30};
    const ProcessId maker = vm.create(kCpu0);
    for (unsigned round = 0; round < 10; ++round) {
        std::vector<ProcessId> processes;
        const VirtualAddress a = map(kCpu0, maker, kPages);
        for (unsigned i = 0; i < kThreads; ++i) {
            processes.push_back(vm.create(CpuId::from(i)));
            ASSERT_EQ(give(kCpu0, maker, a, kPages, processes.back(), wish), Error::None);
        }
        on_all([&](unsigned i) {
            for (uint64_t page = 0; page < kPages; ++page)
                EXPECT_EQ(vm.write(CpuId::from(i), processes[i], wish + page * kPageSize + i * 8, page + i + 1), Error::None);
        });
        for (uint64_t page = 0; page < kPages; ++page)
            for (unsigned i = 0; i < kThreads; ++i)
                ASSERT_EQ(vm.read(kCpu0, maker, a + page * kPageSize + i * 8).release(), page + i + 1);
        ASSERT_EQ(vm.munmap(kCpu0, maker, a, kPages * kPageSize), Error::None);
        on_all([&](unsigned i) { EXPECT_EQ(vm.exit(CpuId::from(i), processes[i]), Error::None); });
        ASSERT_EQ(vm.audit(), 0u);
    }
}

// The last two let go at once, each in its pieces, while the maker is remapping it on; every object ends once.
TEST_F(ObjectTorture, AllLetGoAtOnce) {
    constexpr uint64_t kPages = 48;
    const uint64_t seed = shoal::test::seed();
    std::vector<ProcessId> processes;
    for (unsigned i = 0; i < kThreads; ++i) processes.push_back(vm.create(CpuId::from(i)));
    const auto place = [](unsigned round, unsigned i) { return VirtualAddress{(uint64_t{20} << 30) + (round * kThreads + i) * kLeafSize}; };
    for (unsigned round = 0; round < 40; ++round) {
        const VirtualAddress a = map(kCpu0, processes[0], kPages);
        for (unsigned i = 1; i < kThreads; ++i) ASSERT_EQ(give(kCpu0, processes[0], a, kPages, processes[i], place(round, i)), Error::None);
        on_all([&](unsigned i) {
            std::mt19937_64 random(seed + round * kThreads + i);
            const CpuId cpu = CpuId::from(i);
            const VirtualAddress mine = i == 0 ? a : place(round, i);
            for (unsigned n = 0; n < 8; ++n) (void)vm.write(cpu, processes[i], mine + random() % kPages * kPageSize, n);
            const uint64_t cut = 1 + random() % (kPages - 1);
            const unsigned to = (i + 1) % kThreads;
            const Error given = give(cpu, processes[i], mine, cut, processes[to], place(round + 1000, i));
            EXPECT_EQ(given, Error::None);
            EXPECT_EQ(vm.munmap(cpu, processes[i], mine, cut * kPageSize), Error::None);
            EXPECT_EQ(vm.munmap(cpu, processes[i], mine + cut * kPageSize, (kPages - cut) * kPageSize), Error::None);
            EXPECT_EQ(vm.munmap(cpu, processes[to], place(round + 1000, i), cut * kPageSize), Error::None);
        });
        vm.settle();
        ASSERT_EQ(vm.audit(), 0u) << "seed " << seed << ", round " << round;
        for (const ProcessId process : processes) ASSERT_LT(vm.usage(kCpu0, process).charged_pages, kPages) << "an attachment is left behind";
    }
}

// An attachment lasts as long as a page of it may be in a leaf: one part of the mapping is still being unmapped, in steps, when the rest has gone.
class ObjectBesideLongWork : public ObjectTorture {
  protected:
    static constexpr uint64_t kLeaves = FlushBatch::kMaxLeaves + 9, kLong = (kLeaves - 1) * kLeafSize;
    static constexpr VirtualAddress kAt{uint64_t{1} << 30};
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite;

    void SetUp() override {
        ASSERT_TRUE(vm.mmap(kCpu0, process, kLeaves * kLeafSize, kBoth, kFlags | kMapFixed, kAt).ok());
        for (uint64_t i = 0; i < kLeaves; ++i) ASSERT_EQ(vm.write(kCpu1, process, kAt + i * kLeafSize, i), Error::None);
        ASSERT_EQ(give(kCpu2, process, kAt, kPagesPerLeaf, other, kAt), Error::None);
    }
    uint64_t references() { return vm.call(kCpu2, other, VmCall::Getref, {{0, 0, kAt.raw()}}).words[1]; }
    // The long work is stopped half-way while the rest is unmapped.
    template <typename Work>
    void stays_beside(Work work) {
        std::unique_lock busy_elsewhere(vm.machine.turn(kCpu1));
        std::thread working(work);
        while (!vm.machine.busy(kCpu1)) std::this_thread::yield();
        std::thread rest([&] { EXPECT_EQ(vm.munmap(kCpu2, process, kAt + kLong, kLeafSize), Error::None); });
        for (const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{100}; std::chrono::steady_clock::now() < end;) {
            EXPECT_EQ(references(), 2u);
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
        busy_elsewhere.unlock();
        working.join();
        rest.join();
        EXPECT_EQ(references(), 1u);
    }

    const ProcessId process = vm.create(kCpu0, uint64_t{1} << 20), other = vm.create(kCpu2, uint64_t{1} << 20);
};

TEST_F(ObjectBesideLongWork, WhatIsBeingUnmappedKeepsTheObject) {
    stays_beside([&] { EXPECT_EQ(vm.munmap(kCpu0, process, kAt, kLong), Error::None); });
}

TEST_F(ObjectBesideLongWork, WhatIsBeingReplacedKeepsTheObject) {
    constexpr auto kFixed = kMapAnonymous | kMapPrivate | kMapFixed;
    stays_beside([&] { EXPECT_TRUE(vm.mmap(kCpu0, process, kLong, kBoth, kFixed, kAt).ok()); });
    for (uint64_t i = 0; i + 1 < kLeaves; ++i) ASSERT_EQ(vm.read(kCpu1, process, kAt + i * kLeafSize).release(), 0u);
}

// Who copies the memory of a process has no room for it, while memory is short besides: it is refused after one round, and the source goes on.
TEST(ObjectShortage, AForkThatCannotPayLeavesTheSourceAsItWas) {
    Harness vm{{.cpus = 2, .bytes = 12 << 20}};
    const ProcessId parent = vm.create(kCpu0), child = vm.create(kCpu1, 40);
    const VirtualAddress a = vm.mmap(kCpu0, parent, 100 * kPageSize, kProtectRead | kProtectWrite, kMapShared | kMapAnonymous).release();
    ASSERT_EQ(vm.write(kCpu0, parent, a, 1), Error::None);
    EXPECT_EQ(vm.call(kCpu0, parent, VmCall::Fork, {{0, parent.raw(), child.raw()}}).outcome(), Error::NoMemory);
    EXPECT_EQ(vm.exit(kCpu1, child), Error::None);
    EXPECT_EQ(vm.munmap(kCpu1, parent, a, 100 * kPageSize), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

// Forks beside a process whose other threads map, touch and unmap shared memory.
TEST_F(ObjectTorture, ForksMeetMapsThatComeAndGo) {
    const uint64_t seed = shoal::test::seed();
    const ProcessId parent = vm.create(kCpu0);
    const VirtualAddress steady = map(kCpu0, parent, 32);
    std::atomic<bool> over{false};
    on_all([&](unsigned i) {
        const CpuId cpu = CpuId::from(i);
        std::mt19937_64 random(seed + i);
        if (i == 0) {
            for (uint64_t round = 0; round < 30; ++round) {
                const ProcessId child = vm.create(cpu);
                EXPECT_EQ(vm.call(cpu, parent, VmCall::Fork, {{0, parent.raw(), child.raw()}}).outcome(), Error::None);
                EXPECT_EQ(vm.write(cpu, child, steady + 8 * kPageSize, round), Error::None);
                EXPECT_EQ(vm.read(cpu, parent, steady + 8 * kPageSize).release(), round);
                EXPECT_EQ(vm.exit(cpu, child), Error::None);
            }
            over = true;
            return;
        }
        while (!over) {
            const uint64_t pages = 1 + random() % 40;
            const VirtualAddress a = map(cpu, parent, pages);
            for (uint64_t page = 0; page < pages; page += 3) EXPECT_EQ(vm.write(cpu, parent, a + page * kPageSize, page), Error::None);
            EXPECT_EQ(vm.munmap(cpu, parent, a, pages * kPageSize), Error::None);
        }
    });
    EXPECT_LT(vm.usage(kCpu0, parent).charged_pages, 32 + 64u) << "seed " << seed;
}

}  // namespace
}  // namespace shoal::vm::test
