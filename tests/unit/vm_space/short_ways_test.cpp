// The short ways of munmap and mmap: what is left standing, who may use it, and that it comes to the same as the general ways.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "servers/vm/requests/shortage.hpp"
#include "tests/support/vm/harness.hpp"
#include "tests/support/vm/lock_stop.hpp"
#include "tests/unit/vm_space/by.hpp"

namespace shoal::vm::test {
namespace {

constexpr auto kAnywhere = kMapAnonymous | kMapPrivate;
constexpr uint64_t kReadWrite = kProtectRead | kProtectWrite;

class ShortWays : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }

    VirtualAddress map(uint64_t pages, uint64_t protection = kReadWrite, CpuId cpu = kCpu0) {
        return vm.mmap(cpu, process, pages * kPageSize, protection).release();
    }
    void touch(VirtualAddress at, uint64_t pages, CpuId cpu = kCpu0) {
        for (uint64_t page = 0; page < pages; ++page) ASSERT_EQ(vm.write(cpu, process, at + page * kPageSize, page + 1), Error::None);
    }
    // Maps, touches and unmaps so that the region stays, vacant.
    VirtualAddress leave_vacancy(uint64_t pages) {
        const VirtualAddress at = map(pages);
        touch(at, pages);
        EXPECT_EQ(vm.munmap(kCpu0, process, at, pages * kPageSize), Error::None);
        EXPECT_TRUE(vacant(at));
        EXPECT_EQ(vm.audit(), 0u);
        return at;
    }
    // Of that many pages that are mapped, touched and unmapped one after the other.
    unsigned flushed_elsewhere_of(unsigned pages) {
        unsigned flushed = 0;
        for (unsigned i = 0; i < pages; ++i) {
            const VirtualAddress at = map(1);
            touch(at, 1);
            EXPECT_EQ(vm.munmap(kCpu0, process, at, kPageSize), Error::None);
            if (!vacant(at)) ++flushed;
        }
        return flushed;
    }
    [[nodiscard]] bool vacant(VirtualAddress at) { return space().find_segment(at)->has_vacancy(); }
    Space& space() { return *vm.processes().find(process); }
    Leaf& leaf(VirtualAddress at) { return *space().leaves.find(at); }

    Harness vm{{.cpus = 3}};
    const ProcessId process = vm.create(kCpu0);
};

TEST_F(ShortWays, WhatIsUnmappedIsGoneAndTheNextMapBeginsEmpty) {
    const VirtualAddress at = leave_vacancy(2);
    EXPECT_EQ(leaf(at).trees.runs(), 1u);
    EXPECT_TRUE(leaf(at).trees.empty());
    EXPECT_TRUE(leaf(at).granted().empty());
    EXPECT_EQ(vm.read(kCpu0, process, at).error(), Error::BadAddress);
    EXPECT_EQ(map(2), at);
    EXPECT_FALSE(vacant(at));
    EXPECT_EQ(vm.read(kCpu0, process, at).release(), 0u);
    EXPECT_EQ(vm.read(kCpu0, process, at + kPageSize).release(), 0u);
    EXPECT_EQ(leaf(at).trees.runs(), 1u);
}

TEST_F(ShortWays, TheNextMapHasItsOwnProtection) {
    const VirtualAddress at = leave_vacancy(1);
    ASSERT_EQ(map(1, kProtectRead), at);
    EXPECT_EQ(vm.write(kCpu0, process, at, 1), Error::AccessDenied);
    EXPECT_EQ(vm.read(kCpu0, process, at).release(), 0u);
    EXPECT_EQ(leaf(at).trees.runs(), 1u);
}

TEST_F(ShortWays, ALengthThatIsNoWholePageCountsAsTheNext) {
    const VirtualAddress at = leave_vacancy(1);
    EXPECT_EQ(vm.mmap(kCpu0, process, 1, kReadWrite, kAnywhere).release(), at);
    touch(at, 1);
    EXPECT_EQ(vm.munmap(kCpu0, process, at, 1), Error::None);
    EXPECT_TRUE(vacant(at));
    EXPECT_EQ(vm.mmap(kCpu0, process, 0, kReadWrite, kAnywhere).error(), Error::Invalid);
    EXPECT_EQ(vm.mmap(kCpu0, process, ~uint64_t{0}, kReadWrite, kAnywhere).error(), Error::NoMemory);
    EXPECT_EQ(vm.munmap(kCpu0, process, at, 0), Error::Invalid);
}

TEST_F(ShortWays, AnotherSizeFindsAHoleLikeAnyOther) {
    const VirtualAddress at = leave_vacancy(2);
    const size_t regions = space().find_segment(at)->regions().size();
    EXPECT_EQ(map(1), at);
    EXPECT_FALSE(vacant(at));
    EXPECT_EQ(map(1), at + kPageSize);
    EXPECT_EQ(space().find_segment(at)->regions().size(), regions + 1);
}

TEST_F(ShortWays, AVacancyIsInNobodysWay) {
    const VirtualAddress at = leave_vacancy(2);
    const auto exactly = kAnywhere | kMapFixedNoReplace;
    ASSERT_TRUE(vm.mmap(kCpu0, process, 4 * kPageSize, kReadWrite, exactly, at).ok());
    EXPECT_FALSE(vacant(at));
    touch(at, 4);
}

TEST_F(ShortWays, AVacancyIsNotMapped) {
    const VirtualAddress at = leave_vacancy(1);
    EXPECT_EQ(vm.mprotect(kCpu0, process, at, kPageSize, kProtectRead), Error::BadAddress);
    leave_vacancy(1);
    EXPECT_EQ(vm.discard(kCpu0, process, at, kPageSize), Error::BadAddress);
    leave_vacancy(1);
    EXPECT_EQ(vm.munmap(kCpu0, process, at, kPageSize), Error::None);
    EXPECT_FALSE(vacant(at));
    EXPECT_EQ(vm.write(kCpu0, process, at, 1), Error::BadAddress);
}

TEST_F(ShortWays, OnlyOneRegionOfASegmentIsVacant) {
    const VirtualAddress a = map(1), b = map(1);
    touch(a, 1);
    touch(b, 1);
    EXPECT_EQ(leaf(a).trees.trees(), 2u);
    EXPECT_EQ(leaf(a).trees.runs(), 2u);
    ASSERT_EQ(vm.munmap(kCpu0, process, b, kPageSize), Error::None);
    EXPECT_TRUE(vacant(b));
    EXPECT_EQ(vm.read(kCpu0, process, a).release(), 1u);
    ASSERT_EQ(vm.munmap(kCpu0, process, a, kPageSize), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, a, 1), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, b, 1), Error::BadAddress);
}

TEST_F(ShortWays, APartOrAnUntouchedPageGoesTheGeneralWay) {
    const VirtualAddress at = map(4);
    touch(at, 3);
    ASSERT_EQ(vm.munmap(kCpu0, process, at, 4 * kPageSize), Error::None);
    EXPECT_FALSE(vacant(at));
    ASSERT_EQ(map(4), at);
    touch(at, 4);
    ASSERT_EQ(vm.munmap(kCpu0, process, at + kPageSize, 2 * kPageSize), Error::None);
    EXPECT_FALSE(vacant(at));
    EXPECT_EQ(vm.write(kCpu0, process, at + kPageSize, 1), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu0, process, at + 3 * kPageSize).release(), 4u);
}

TEST_F(ShortWays, WhatAnotherCpuMayHaveCachedIsFlushedThere) {
    const VirtualAddress at = map(1);
    touch(at, 1);
    ASSERT_EQ(vm.read(kCpu1, process, at).release(), 1u);
    ASSERT_EQ(vm.munmap(kCpu0, process, at, kPageSize), Error::None);
    EXPECT_FALSE(vacant(at));
    EXPECT_EQ(vm.read(kCpu1, process, at).error(), Error::BadAddress);
}

// What another CPU uses lies in the leaf that small maps come from: they move on, and their unmapping concerns nobody else.
TEST_F(ShortWays, SmallMapsMoveOnFromALeafThatAnotherCpuUses) {
    const VirtualAddress shared = map(1);
    touch(shared, 1);
    ASSERT_EQ(vm.read(kCpu1, process, shared).release(), 1u);
    EXPECT_EQ(flushed_elsewhere_of(100), 16u);
    EXPECT_NE(map(1).leaf_down(), shared.leaf_down());
    EXPECT_EQ(vm.read(kCpu1, process, shared).release(), 1u);
}

// Stacks of threads that ran elsewhere, unmapped where they were made: whole leaves, of which each knows another CPU.
TEST_F(ShortWays, SmallMapsMoveOnFromWholeLeavesThatOtherCpusUsed) {
    constexpr uint64_t kPagesOfLeaf = kLeafSize / kPageSize;
    std::vector<VirtualAddress> stacks;
    for (unsigned i = 0; i < HoleStack::kHoles; ++i) stacks.push_back(map(kPagesOfLeaf));
    for (const VirtualAddress stack : stacks) touch(stack, 1, kCpu1);
    for (const VirtualAddress stack : stacks) ASSERT_EQ(vm.munmap(kCpu0, process, stack, kLeafSize), Error::None);
    EXPECT_EQ(flushed_elsewhere_of(200), 16u);
    EXPECT_LE(map(kPagesOfLeaf), stacks.back());  // whole leaves are still used again
}

// Where every map is used by two CPUs, moving on does not help, and costs few tables.
TEST_F(ShortWays, SmallMapsThatCpusShareMoveOnRarely) {
    std::set<uint64_t> leaves;
    for (unsigned i = 0; i < 1000; ++i) {
        const VirtualAddress at = map(1);
        touch(at, 1);
        ASSERT_EQ(vm.read(kCpu1, process, at).release(), 1u);
        ASSERT_EQ(vm.munmap(kCpu0, process, at, kPageSize), Error::None);
        leaves.insert(at.leaf_down().raw());
    }
    EXPECT_EQ(leaves.size(), 6u);  // moved after 16, 48, 112, 240, 496 flushes, and not yet after 1,008
}

TEST_F(ShortWays, AMapOfAnotherCpusSliceStaysThere) {
    const VirtualAddress theirs = map(1, kReadWrite, kCpu1);
    touch(theirs, 1);  // by CPU 0 alone
    ASSERT_EQ(vm.munmap(kCpu0, process, theirs, kPageSize), Error::None);
    EXPECT_TRUE(vacant(theirs));
    EXPECT_NE(map(1), theirs);
    EXPECT_EQ(map(1, kReadWrite, kCpu1), theirs);
    EXPECT_EQ(vm.read(kCpu1, process, theirs).release(), 0u);
}

// The neighbour begins where the vacant run stands, and then the run's own page is touched again.
TEST_F(ShortWays, AVacantRunEndsWithAnyOtherChangeOfItsLeaf) {
    const VirtualAddress at = map(4);
    touch(at, 1);
    const VirtualAddress other = at + 8 * kPageSize;
    ASSERT_TRUE(vm.mmap(kCpu0, process, 2 * kPageSize, kReadWrite, kAnywhere | kMapFixed, other).ok());
    touch(other, 2);
    ASSERT_EQ(vm.munmap(kCpu0, process, other, 2 * kPageSize), Error::None);
    ASSERT_TRUE(vacant(other));
    EXPECT_EQ(leaf(at).trees.runs(), 2u);
    touch(at, 4);
    EXPECT_EQ(leaf(at).trees.runs(), 1u);
    EXPECT_EQ(map(2), other);
    touch(other, 2);
    EXPECT_EQ(leaf(at).trees.runs(), 2u);
}

TEST_F(ShortWays, AnEmptyLeafWithAVacantRunIsGivenUp) {
    const VirtualAddress at = leave_vacancy(1);
    {
        std::lock_guard turn(vm.machine.turn(kCpu0));
        WorkerContext worker = vm.context(kCpu0);
        vm.processes().shortage().begin();
        answer_shortage(worker);
    }
    vm.settle();
    EXPECT_EQ(space().leaves.find(at), nullptr);
    EXPECT_EQ(map(1), at);
    touch(at, 1);
}

TEST_F(ShortWays, ASpaceEndsWithItsVacancies) {
    leave_vacancy(3);
    EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
}

class ShortWaysOvertake : public ShortWays, public ::testing::WithParamInterface<By> {};
INSTANTIATE_TEST_SUITE_P(LookedUp, ShortWaysOvertake, ::testing::Values(By::Grant, By::Region));

// A fault of CPU 1 on the page, or on the one behind it, has found the leaf, and gets its lock when the page has gone.
TEST_P(ShortWaysOvertake, AFaultThatFoundTheLeaf) {
    const VirtualAddress at = map(1);
    touch(at, 1);
    if (GetParam() == By::Grant) leaf(at).grant({Leaf::pages_within(VirtualRange::of(at, kPageSize)), Access::read_write()});
    ASSERT_EQ(vm.discard(kCpu0, process, at, kPageSize), Error::None);
    LockStop stop{kCpu1};
    Error error = Error::None;
    std::thread fault;
    {
        WorkerContext holder = vm.context(kCpu2);
        Guard guard(holder.locks(), leaf(at).lock);
        fault = std::thread([&] { error = vm.write(kCpu1, process, at, 7); });
        ASSERT_TRUE(stop.reached());
    }
    touch(at, 1);
    ASSERT_EQ(vm.munmap(kCpu0, process, at, kPageSize), Error::None);
    EXPECT_TRUE(vacant(at));
    stop.release();
    fault.join();
    EXPECT_EQ(error, Error::BadAddress);
    EXPECT_EQ(leaf(at).resident, 0u);
}

// Small maps on two CPUs, touched, discarded and unmapped in any order, against a map of what they hold. A vacancy ends and begins
// every few steps.
TEST_F(ShortWays, ComeToTheSameAsAModel) {
    const unsigned seed = 20261127;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    struct Map {
        uint64_t pages;
        CpuId cpu;
    };
    std::map<VirtualAddress, Map> maps;
    std::map<VirtualAddress, uint64_t> contents;
    for (unsigned round = 0; round < 40000; ++round) {
        const CpuId cpu{static_cast<uint16_t>(random() % 2)};
        if (maps.size() < 2 || (maps.size() < 6 && random() % 3 == 0)) {
            const uint64_t pages = 1 + random() % 3;
            const VirtualAddress at = map(pages, kReadWrite, cpu);
            ASSERT_TRUE(maps.emplace(at, Map{pages, cpu}).second);
            for (uint64_t page = 0; page < pages; ++page) contents[at + page * kPageSize] = 0;
            continue;
        }
        auto picked = std::next(maps.begin(), static_cast<long>(random() % maps.size()));
        const auto [at, what] = *picked;
        const CpuId user = random() % 50 == 0 ? cpu : what.cpu;
        if (random() % 4 == 0) {
            ASSERT_EQ(vm.munmap(user, process, at, what.pages * kPageSize), Error::None);
            ASSERT_EQ(vm.read(user, process, at).error(), Error::BadAddress);
            for (uint64_t page = 0; page < what.pages; ++page) contents.erase(at + page * kPageSize);
            maps.erase(picked);
            continue;
        }
        for (uint64_t page = 0; page < what.pages; ++page) {
            const VirtualAddress address = at + page * kPageSize;
            ASSERT_EQ(vm.read(user, process, address).release(), contents[address]);
            contents[address] = random();
            ASSERT_EQ(vm.write(user, process, address, contents[address]), Error::None);
        }
        if (round % 4096 == 0) {
            ASSERT_EQ(vm.audit(), 0u);
        }
    }
}

}  // namespace
}  // namespace shoal::vm::test
