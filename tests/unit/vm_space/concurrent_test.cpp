// Threads as workers: faults, maps, unmaps, protection changes and ends at once; every thread checks its own memory.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr unsigned kThreads = 4;

void work_alone(Harness& vm, ProcessId process, unsigned index) {
    const CpuId cpu = CpuId::from(index);
    std::mt19937 random(index + 1);
    for (unsigned round = 0; round < 60; ++round) {
        const auto pages = static_cast<unsigned>(1 + random() % 32);
        const VirtualAddress a = vm.mmap(cpu, process, pages * kPageSize).release();
        for (unsigned i = 0; i < pages; ++i) EXPECT_EQ(vm.write(cpu, process, a + i * kPageSize, a.raw() + i), Error::None);
        for (unsigned i = 0; i < pages; ++i) EXPECT_EQ(vm.read(cpu, process, a + i * kPageSize).release(), a.raw() + i);
        if (round % 3 == 0) {
            EXPECT_EQ(vm.mprotect(cpu, process, a, kPageSize, kProtectRead), Error::None);
        }
        EXPECT_EQ(vm.munmap(cpu, process, a, pages * kPageSize), Error::None);
    }
}

template <typename Body>
void on_all(Body body) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back([=] { body(i); });
    for (std::thread& thread : threads) thread.join();
}

TEST(Concurrent, OneSpaceManyCpus) {
    Harness vm({.cpus = kThreads});
    const ProcessId process = vm.create(CpuId{0});
    on_all([&](unsigned i) { work_alone(vm, process, i); });
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Concurrent, AllTouchWhatOneDiscards) {
    Harness vm({.cpus = kThreads});
    const ProcessId process = vm.create(CpuId{0});
    const VirtualAddress a = vm.mmap(CpuId{0}, process, 64 * kPageSize).release();
    on_all([&](unsigned index) {
        std::mt19937 random(index + 7);
        for (unsigned round = 0; round < 300; ++round) {
            const VirtualAddress at = a + random() % 64 * kPageSize;
            if (index == 0 && round % 4 == 0) {
                EXPECT_EQ(vm.discard(CpuId{0}, process, at, kPageSize), Error::None);
            } else {
                // Each thread has a word of its own: it holds what the thread wrote last, or zero.
                const VirtualAddress mine = at + index * 8;
                EXPECT_EQ(vm.write(CpuId::from(index), process, mine, at.raw()), Error::None);
                const uint64_t seen = vm.read(CpuId::from(index), process, mine).release();
                EXPECT_TRUE(seen == 0 || seen == at.raw());
            }
        }
    });
    EXPECT_EQ(vm.audit(), 0u);
}

using Step = std::function<void(Harness&, ProcessId, VirtualAddress)>;

void unmap_page(Harness& vm, ProcessId process, VirtualAddress at) {
    EXPECT_EQ(vm.munmap(CpuId{0}, process, at, kPageSize), Error::None);
}

// While CPU 1 has not acknowledged the flush of a first change of a page, the second step may not be answered.
// pages: of the region; the leaf is granted one of several.
void expect_to_wait_for_cpu1(const Step& change, const Step& second, uint64_t pages = 1) {
    Harness vm({.cpus = kThreads});
    const ProcessId process = vm.create(CpuId{0});
    const VirtualAddress at{uint64_t{1} << 30};
    const auto flags = kMapAnonymous | kMapPrivate | kMapFixed;
    ASSERT_TRUE(vm.mmap(CpuId{0}, process, pages * kPageSize, kProtectRead | kProtectWrite, flags, at).ok());
    ASSERT_EQ(vm.write(CpuId{1}, process, at, 7), Error::None);
    std::atomic<bool> answered{false};
    std::unique_lock busy_elsewhere(vm.machine.turn(CpuId{1}));
    std::thread first([&] { change(vm, process, at); });
    while (!vm.machine.busy(CpuId{1})) std::this_thread::yield();
    std::thread after([&] {
        second(vm, process, at);
        answered = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(answered);
    busy_elsewhere.unlock();
    first.join();
    after.join();
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Concurrent, SecondUnmapWaitsForTheFirstsFlush) {
    expect_to_wait_for_cpu1(unmap_page, [](Harness& vm, ProcessId process, VirtualAddress at) {
        EXPECT_EQ(vm.munmap(CpuId{2}, process, at, kPageSize), Error::None);
    });
}

TEST(Concurrent, MapWaitsForTheFlushOfWhatWasThere) {
    expect_to_wait_for_cpu1(unmap_page, [](Harness& vm, ProcessId process, VirtualAddress at) {
        const auto flags = kMapAnonymous | kMapPrivate | kMapFixed;
        EXPECT_TRUE(vm.mmap(CpuId{2}, process, kPageSize, kProtectRead | kProtectWrite, flags, at).ok());
    });
}

TEST(Concurrent, ShareWaitsForTheFlushOfWhatWasThere) {
    expect_to_wait_for_cpu1(unmap_page, [](Harness& vm, ProcessId process, VirtualAddress at) {
        const ProcessId source = vm.create(CpuId{2});
        const auto flags = kMapAnonymous | kMapPrivate | kMapFixed;
        EXPECT_TRUE(vm.mmap(CpuId{2}, source, kPageSize, kProtectRead | kProtectWrite, flags, at).ok());
        const Message arguments{{0, source.raw(), at.raw(), kPageSize, process.raw()}};
        EXPECT_EQ(vm.call(CpuId{2}, source, VmCall::Share, arguments).outcome(), Error::None);
    });
}

TEST(Concurrent, AGrowingHeapWaitsForTheFlushOfWhatWasThere) {
    expect_to_wait_for_cpu1(unmap_page, [](Harness& vm, ProcessId process, VirtualAddress at) {
        Space& space = *vm.processes().find(process);
        space.heap_start = space.heap_end = at;
        EXPECT_EQ(vm.call(CpuId{2}, process, VmCall::Brk, {{0, at.raw() + kPageSize}}).outcome(), Error::None);
    });
}

TEST(Concurrent, FaultWaitsForTheFlushOfTheOldPage) {
    const Step discard = [](Harness& vm, ProcessId process, VirtualAddress at) {
        EXPECT_EQ(vm.discard(CpuId{0}, process, at, kPageSize), Error::None);
    };
    const Step fault = [](Harness& vm, ProcessId process, VirtualAddress at) {
        EXPECT_EQ(vm.write(CpuId{2}, process, at, 1), Error::None);
    };
    for (const uint64_t pages : {uint64_t{1}, uint64_t{2}}) expect_to_wait_for_cpu1(discard, fault, pages);
}

TEST(Concurrent, AddressesAreReusedAfterTheirFlushOnly) {
    Harness vm({.cpus = kThreads});
    const ProcessId process = vm.create(CpuId{0});
    const VirtualAddress at = vm.mmap(CpuId{0}, process, kPageSize).release();
    ASSERT_EQ(vm.write(CpuId{1}, process, at, 7), Error::None);
    std::unique_lock busy_elsewhere(vm.machine.turn(CpuId{1}));
    std::thread first([&] { unmap_page(vm, process, at); });
    while (!vm.machine.busy(CpuId{1})) std::this_thread::yield();
    EXPECT_NE(vm.mmap(CpuId{0}, process, kPageSize).release(), at);
    busy_elsewhere.unlock();
    first.join();
    EXPECT_EQ(vm.mmap(CpuId{0}, process, kPageSize).release(), at);
    EXPECT_EQ(vm.audit(), 0u);
}

// A fault that has found its region is overtaken by the munmap of it: both wait for the leaf, which the test holds.
TEST(Concurrent, NothingIsLeftBehindAnUnmap) {
    Harness vm({.cpus = kThreads});
    const ProcessId process = vm.create(CpuId{0});
    const VirtualAddress at{uint64_t{1} << 30};
    constexpr auto kFlags = kMapAnonymous | kMapPrivate | kMapFixed;
    for (unsigned round = 0; round < 12; ++round) {
        ASSERT_TRUE(vm.mmap(CpuId{0}, process, 2 * kPageSize, kProtectRead | kProtectWrite, kFlags, at).ok());
        ASSERT_EQ(vm.write(CpuId{1}, process, at + kPageSize, 1), Error::None);
        Leaf* leaf = vm.processes().find(process)->leaves.find(at);
        WorkerContext holder = vm.context(CpuId{3});
        std::thread fault, unmap;
        {
            Guard guard(holder.locks(), leaf->lock);
            fault = std::thread([&] { (void)vm.write(CpuId{1}, process, at, 1); });  // refused or not
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            unmap = std::thread([&] { unmap_page(vm, process, at); });
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        fault.join();
        unmap.join();
        EXPECT_EQ(vm.read(CpuId{1}, process, at).error(), Error::BadAddress);
    }
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Concurrent, FixedMapsReplaceInOneInstant) {
    Harness vm({.cpus = kThreads});
    const ProcessId process = vm.create(CpuId{0});
    const VirtualAddress at{uint64_t{1} << 30};
    const auto map = [&] {
        const auto flags = kMapAnonymous | kMapPrivate | kMapFixed;
        return vm.mmap(CpuId{0}, process, kPageSize, kProtectRead | kProtectWrite, flags, at).ok();
    };
    ASSERT_TRUE(map());
    on_all([&](unsigned index) {
        for (unsigned round = 0; round < 300; ++round) {
            if (index == 0) EXPECT_TRUE(map());
            else EXPECT_EQ(vm.write(CpuId::from(index), process, at + index * 8, round), Error::None);
        }
    });
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Concurrent, SpacesComeAndGo) {
    Harness vm({.cpus = kThreads, .slots = 512});
    on_all([&](unsigned index) {
        for (unsigned round = 0; round < 30; ++round) {
            const ProcessId process = vm.create(CpuId::from((index + round) % kThreads));
            ASSERT_NE(process.raw(), 0u);
            const CpuId cpu = CpuId::from(index);
            const VirtualAddress a = vm.mmap(cpu, process, 8 * kPageSize).release();
            EXPECT_EQ(vm.write(cpu, process, a + 4 * kPageSize, round), Error::None);
            EXPECT_EQ(vm.exit(cpu, process), Error::None);
        }
    });
    EXPECT_EQ(vm.audit(), 0u);
}

// Memory ends again and again while tables are given up and made anew beside those who use them.
TEST(Concurrent, ShortageUnderLoad) {
    Harness vm({.cpus = kThreads, .bytes = 16 << 20});
    const ProcessId process = vm.create(CpuId{0});
    std::atomic<unsigned> refused{0};
    on_all([&](unsigned index) {
        const CpuId cpu = CpuId::from(index);
        std::mt19937 random(index + 11);
        const VirtualAddress sparse = vm.mmap(cpu, process, 256 * kLeafSize).release();
        for (unsigned round = 0; round < 12; ++round) {
            for (unsigned i = 0; i < 100; ++i) {
                const VirtualAddress at = sparse + random() % 256 * kLeafSize;
                if (vm.write(cpu, process, at, at.raw()) != Error::None) ++refused;
                else EXPECT_EQ(vm.read(cpu, process, at).release(), at.raw());
                EXPECT_EQ(vm.discard(cpu, process, at, kPageSize), Error::None);
            }
            const Result<VirtualAddress> dense = vm.mmap(cpu, process, 1500 * kPageSize);
            if (!dense.ok()) continue;
            for (unsigned i = 0; i < 1500; ++i)
                if (vm.write(cpu, process, dense.value() + i * kPageSize, i) != Error::None) ++refused;
            EXPECT_EQ(vm.munmap(cpu, process, dense.value(), 1500 * kPageSize), Error::None);
        }
    });
    EXPECT_GT(refused.load(), 0u);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Concurrent, MapAndUnmapByNeighbours) {
    Harness vm({.cpus = kThreads});
    const ProcessId process = vm.create(CpuId{0});
    on_all([&](unsigned index) {
        const CpuId own = CpuId::from(index), neighbour = CpuId::from((index + 1) % kThreads);
        for (unsigned round = 0; round < 20; ++round) {
            const VirtualAddress a = vm.mmap(own, process, kLeafSize).release();
            for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(vm.write(own, process, a + i * kPageSize, i), Error::None);
            for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(vm.read(neighbour, process, a + i * kPageSize).release(), i);
            EXPECT_EQ(vm.munmap(neighbour, process, a, kLeafSize), Error::None);
        }
    });
    EXPECT_EQ(vm.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
