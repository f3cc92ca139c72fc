// map_memory and unmap_memory beside the threads of both sides, forks and ends.
#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "tests/support/seed.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class MapMemoryRace : public ::testing::TestWithParam<uint32_t> {
  protected:
    static constexpr uint64_t kPages = 40, kBoth = kProtectRead | kProtectWrite, kFlags = kMapPrivate | kMapAnonymous | kMapFixed;
    static constexpr VirtualAddress kFrom{0x4000'0000 - 7 * kPageSize}, kTo{0x5000'0000 - 21 * kPageSize};
    static constexpr CpuId kCpu3{3};

    Error join(CpuId cpu, ProcessId process, MapMode mode = MapMode::SharedWritable) {
        Harness::MapWish wish{source, kFrom, kTo, kPages * kPageSize, mode, {}};
        wish.path = {{{source, 1}}, 1};
        return vm.map_memory(cpu, process, wish);
    }
    ProcessId make(CpuId cpu, VirtualAddress at) {
        const ProcessId process = vm.create(cpu);
        EXPECT_TRUE(vm.mmap(cpu, process, kPages * kPageSize, kBoth, kFlags, at).ok());
        return process;
    }

    Harness vm{{.cpus = 4, .lateness = GetParam()}};
    const ProcessId source = make(kCpu0, kFrom);
};

// The source counts up in each page; what the partner has seen grows while it is joined, and stands still from the answer to unmap_memory on.
TEST_P(MapMemoryRace, ASnapshotStandsStillWhileTheSourceGoesOn) {
    std::atomic<bool> done{false};
    const ProcessId partner = make(kCpu1, kTo);
    std::thread writer([&] {
        for (uint64_t count = 1; !done; ++count)
            for (uint64_t page = 0; page < kPages; ++page) {
                EXPECT_EQ(vm.read(kCpu0, source, kFrom + page * kPageSize).release(), count - 1);
                EXPECT_EQ(vm.write(kCpu0, source, kFrom + page * kPageSize, count), Error::None);
            }
    });
    std::thread reader([&] {  // has the partner's pages cached on another CPU
        while (!done)
            for (uint64_t page = 0; page < kPages; ++page) EXPECT_TRUE(vm.read(kCpu2, partner, kTo + page * kPageSize).ok());
    });
    for (unsigned round = 0; round < 40; ++round) {
        const auto mode = static_cast<MapMode>(round % 3);
        ASSERT_EQ(join(kCpu1, partner, mode), Error::None);
        uint64_t seen[kPages];
        for (uint64_t page = 0; page < kPages; ++page) seen[page] = vm.read(kCpu1, partner, kTo + page * kPageSize).release();
        for (uint64_t page = 0; page < kPages; ++page) EXPECT_GE(vm.read(kCpu1, partner, kTo + page * kPageSize).release(), seen[page]);
        if (round % 2 == 0) ASSERT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::None);
        else ASSERT_EQ(vm.revoke(kCpu3, source, 1), Error::None);
        for (uint64_t page = 0; page < kPages; ++page) seen[page] = vm.read(kCpu1, partner, kTo + page * kPageSize).release();
        for (uint64_t page = 0; page < kPages; ++page)
            EXPECT_EQ(vm.read(kCpu2, partner, kTo + page * kPageSize).release(), seen[page]) << "mode " << round % 3;
    }
    done = true;
    writer.join();
    reader.join();
    EXPECT_EQ(vm.audit(), 0u);
}

// A thread of the partner's keeps what it writes while the pages are taken from the source: `maps` is odd while they may come from there.
TEST_P(MapMemoryRace, NoWriteIsLostWhenPagesPart) {
    std::atomic<bool> done{false};
    std::atomic<unsigned> maps{1};
    const ProcessId partner = make(kCpu1, kTo);
    std::thread writer([&] {
        for (uint64_t count = 1; !done; ++count) {
            const unsigned before = maps;
            for (uint64_t page = 0; page < kPages; ++page) EXPECT_EQ(vm.write(kCpu2, partner, kTo + page * kPageSize + 8, count), Error::None);
            for (uint64_t page = 0; page < kPages; ++page) {
                const uint64_t seen = vm.read(kCpu2, partner, kTo + page * kPageSize + 8).release();
                EXPECT_TRUE(seen == count || maps != before || before % 2 != 0);
            }
        }
    });
    for (unsigned round = 0; round < 60; ++round) {
        ASSERT_EQ(join(kCpu1, partner), Error::None);
        ++maps;
        for (unsigned i = 0; i < 20; ++i) EXPECT_TRUE(vm.read(kCpu1, partner, kTo).ok());
        ASSERT_EQ(vm.unmap_memory(kCpu1, partner, kTo), Error::None);
        for (unsigned i = 0; i < 20; ++i) EXPECT_TRUE(vm.read(kCpu1, partner, kTo).ok());
        ++maps;
    }
    done = true;
    writer.join();
    EXPECT_EQ(vm.audit(), 0u);
}

// The source's grant is taken back while whom it has led to lends the memory on, by grants of others, and so does the next one. Whoever has it by then, by
// whatever way, sees no more of what the source writes.
TEST_P(MapMemoryRace, WhatIsLentOnMeanwhileIsTakenBackToo) {
    const ProcessId partner = make(kCpu1, kTo), second = make(kCpu2, kTo), third = make(kCpu0, kTo), others[] = {vm.create(kCpu1), vm.create(kCpu2)};
    const auto lend_on = [&](CpuId cpu, ProcessId from, ProcessId to, ProcessId granter) {
        Harness::MapWish wish{from, kTo, kTo, kPages * kPageSize, MapMode::SharedWritable, {}};
        wish.path = {{{granter, 7}}, 1};
        const Error error = vm.map_memory(cpu, to, wish);
        EXPECT_TRUE(error == Error::None || error == Error::BadAddress);  // what it lends comes from another meanwhile
    };
    for (uint64_t round = 1; round <= 60; ++round) {
        ASSERT_EQ(join(kCpu1, partner), Error::None);
        std::thread lender([&] { lend_on(kCpu2, partner, second, others[0]); });
        std::thread next_lender([&] { lend_on(kCpu0, second, third, others[1]); });
        ASSERT_EQ(vm.revoke(kCpu3, source, 1), Error::None);
        lender.join();
        next_lender.join();
        for (uint64_t page = 0; page < kPages; ++page) {
            ASSERT_EQ(vm.write(kCpu0, source, kFrom + page * kPageSize, round), Error::None);
            for (const ProcessId process : {partner, second, third}) EXPECT_NE(vm.read(kCpu1, process, kTo + page * kPageSize).release(), round);
        }
        (void)vm.unmap_memory(kCpu2, second, kTo);
        (void)vm.revoke(kCpu0, others[1], 7);
    }
    EXPECT_EQ(vm.audit(), 0u);
}

// Everybody does everything: what counts is that it ends, and that the audit finds nothing.
class MapMemoryTorture : public MapMemoryRace {
  protected:
    static constexpr unsigned kThreads = 4;
    const ProcessId lenders[2] = {vm.create(kCpu0), vm.create(kCpu1)};

    bool expected(Error error) {
        return error == Error::None || error == Error::Exists || error == Error::BadAddress || error == Error::NoProcess ||
               error == Error::AccessDenied || error == Error::NoMemory || error == Error::Loop;
    }
    void act(CpuId cpu, std::mt19937_64& random, ProcessId& own, ProcessId neighbour) {
        const uint64_t first = random() % kPages, pages = 1 + random() % (kPages - first);
        const VirtualAddress at = kTo + first * kPageSize;
        const auto touch = [&](ProcessId process, uint64_t what) {
            for (uint64_t page = 0; page < pages; ++page)
                (void)(what % 2 == 0 ? vm.write(cpu, process, at + page * kPageSize, what) : vm.read(cpu, process, at + page * kPageSize).error());
        };
        switch (random() % 9) {
            case 0: EXPECT_TRUE(expected(vm.munmap(cpu, own, at, pages * kPageSize))); break;
            case 1: (void)vm.mmap(cpu, own, pages * kPageSize, kBoth, kFlags, at); break;
            case 2: EXPECT_TRUE(expected(vm.unmap_memory(cpu, own, at))); break;
            case 3: {
                const ProcessId granters[] = {own, neighbour, lenders[0], lenders[1]};
                EXPECT_TRUE(expected(vm.revoke(cpu, granters[random() % 4], 1)));
                break;
            }
            case 4: {
                const ProcessId child = vm.create(cpu);
                EXPECT_TRUE(expected(vm.call(cpu, own, VmCall::Fork, {{0, own.raw(), child.raw()}}).outcome()));
                touch(child, random());
                EXPECT_EQ(vm.exit(cpu, child), Error::None);
                break;
            }
            case 5:
                if (random() % 8 != 0) break;
                EXPECT_EQ(vm.exit(cpu, own), Error::None);
                own = make(cpu, kTo);
                break;
            case 6: touch(own, random()); break;
            default: {
                Harness::MapWish wish{neighbour, at, at, pages * kPageSize, static_cast<MapMode>(random() % 3), {}};
                wish.path = {{{lenders[random() % 2], 1}, {neighbour, 1}}, 2};  // of whom nobody has memory
                EXPECT_TRUE(expected(vm.map_memory(cpu, own, wish)));
                touch(own, random());
            }
        }
    }
};

TEST_P(MapMemoryTorture, EverythingAtOnce) {
    const uint64_t seed = shoal::test::seed();
    std::atomic<uint32_t> processes[kThreads];
    for (unsigned i = 0; i < kThreads; ++i) processes[i] = make(CpuId::from(i), kTo).raw();
    std::vector<std::thread> threads;
    for (unsigned index = 0; index < kThreads; ++index)
        threads.emplace_back([&, index] {
            std::mt19937_64 random(seed + index);
            for (unsigned i = 0; i < 250; ++i) {
                ProcessId own{processes[index]};
                act(CpuId::from(index), random, own, ProcessId{processes[(index + 1 + random() % (kThreads - 1)) % kThreads]});
                processes[index] = own.raw();
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(vm.audit(), 0u) << "seed " << seed;
    for (const std::atomic<uint32_t>& process : processes) EXPECT_EQ(vm.exit(kCpu0, ProcessId{process}), Error::None);
    EXPECT_EQ(vm.audit(), 0u) << "seed " << seed;
}

INSTANTIATE_TEST_SUITE_P(Prompt, MapMemoryRace, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Late, MapMemoryRace, ::testing::Values(7));
INSTANTIATE_TEST_SUITE_P(Prompt, MapMemoryTorture, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Late, MapMemoryTorture, ::testing::Values(5));

}  // namespace
}  // namespace shoal::vm::test
