// Fork at VM's interface: two spaces with one content, and what each writes is its own.
#include <gtest/gtest.h>

#include "servers/vm/calls/detach.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class Fork : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite;

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : copies) EXPECT_EQ(vm.exit(kCpu1, process), Error::None);
        EXPECT_EQ(vm.exit(kCpu0, parent), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    Error fork(ProcessId from, ProcessId to) {
        return vm.call(kCpu0, parent, VmCall::Fork, {{0, from.raw(), to.raw()}}).outcome();
    }
    // A copy of the process.
    ProcessId copy(ProcessId from, uint64_t quota = 0) {
        copies.push_back(vm.create(kCpu1, quota));
        outcome = fork(from, copies.back());
        return copies.back();
    }
    void fill(ProcessId process, VirtualAddress at, uint64_t pages, uint64_t value) {
        for (uint64_t i = 0; i < pages; ++i) ASSERT_EQ(vm.write(kCpu0, process, at + i * kPageSize, value + i), Error::None);
    }
    [[nodiscard]] bool holds(ProcessId process, VirtualAddress at, uint64_t pages, uint64_t value, CpuId cpu = kCpu1) {
        for (uint64_t i = 0; i < pages; ++i) {
            const Result<uint64_t> seen = vm.read(cpu, process, at + i * kPageSize);
            if (!seen.ok() || seen.value() != value + i) return false;
        }
        return true;
    }
    [[nodiscard]] uint64_t frames() {
        vm.settle();
        return vm.arena().frames_in_use();
    }

    Harness vm{{.cpus = 2}};
    const ProcessId parent = vm.create(kCpu0);
    std::vector<ProcessId> copies;
    Error outcome = Error::None;
};

TEST_F(Fork, EachHasTheContentAndItsOwnWrites) {
    const VirtualAddress a = vm.mmap(kCpu0, parent, 600 * kPageSize).release();
    fill(parent, a, 600, 1000);
    const ProcessId child = copy(parent);
    ASSERT_EQ(outcome, Error::None);
    fill(parent, a, 10, 5000);
    EXPECT_TRUE(holds(child, a, 600, 1000));
    fill(child, a + 20 * kPageSize, 10, 7000);
    EXPECT_TRUE(holds(parent, a, 10, 5000));
    EXPECT_TRUE(holds(parent, a + 10 * kPageSize, 590, 1010));
    EXPECT_TRUE(holds(child, a + 20 * kPageSize, 10, 7000));
}

// Its guard is its lowest page alone, not one in each leaf.
TEST_F(Fork, AStackIsCopiedFromItsGuardOn) {
    constexpr uint64_t kPages = 3 * kPagesPerLeaf;
    constexpr auto kStack = kMapAnonymous | kMapPrivate | kMapFixed | kMapGrowsDown;
    const VirtualAddress bottom{uint64_t{5} << 30};
    ASSERT_TRUE(vm.mmap(kCpu0, parent, kPages * kPageSize, kBoth, kStack, bottom).ok());
    fill(parent, bottom + kPageSize, kPages - 1, 10);
    const ProcessId child = copy(parent);
    EXPECT_TRUE(holds(child, bottom + kPageSize, kPages - 1, 10));
    EXPECT_EQ(vm.read(kCpu1, child, bottom).error(), Error::AccessDenied);
}

TEST_F(Fork, PagesAreHeldOnceUntilOneIsWritten) {
    constexpr uint64_t kPages = 300;
    const VirtualAddress a = vm.mmap(kCpu0, parent, kPages * kPageSize).release();
    fill(parent, a, kPages, 1);
    const uint64_t before = frames();
    const ProcessId child = copy(parent);
    const uint64_t after = frames();
    EXPECT_LT(after - before, kPages / 2);  // tables and regions
    EXPECT_EQ(vm.usage(kCpu1, child).resident_pages, kPages);
    fill(child, a, 100, 2);
    EXPECT_GE(frames(), after + 100 - 10);
}

// The last one has nobody to copy for.
TEST_F(Fork, WhoIsLeftAloneTakesTheFrameOver) {
    const VirtualAddress a = vm.mmap(kCpu0, parent, kPageSize).release();
    fill(parent, a, 1, 1);
    (void)copy(parent);
    ASSERT_EQ(vm.exit(kCpu1, copies.back()), Error::None);
    copies.clear();
    Leaf& leaf = *vm.processes().find(parent)->leaves.find(a);
    const FrameNumber frame = leaf.table().get(page_in_leaf(a)).frame();
    EXPECT_FALSE(leaf.table().get(page_in_leaf(a)).access().writes());
    fill(parent, a, 1, 2);
    EXPECT_EQ(leaf.table().get(page_in_leaf(a)).frame(), frame);
    EXPECT_EQ(leaf.trees.find(page_in_leaf(a))->state().ownership, Ownership::Exclusive);
}

TEST_F(Fork, GenerationsShareWhatNoneHasWritten) {
    const VirtualAddress a = vm.mmap(kCpu0, parent, 4 * kPageSize).release();
    fill(parent, a, 4, 10);
    const ProcessId child = copy(parent), grandchild = copy(child), another = copy(parent);
    fill(child, a, 1, 20);
    fill(grandchild, a + kPageSize, 1, 30);
    fill(parent, a + 2 * kPageSize, 1, 40);
    EXPECT_TRUE(holds(another, a, 4, 10));
    EXPECT_TRUE(holds(child, a, 1, 20) && holds(child, a + kPageSize, 3, 11));
    EXPECT_TRUE(holds(grandchild, a, 1, 10) && holds(grandchild, a + kPageSize, 1, 30));
    EXPECT_TRUE(holds(parent, a, 2, 10) && holds(parent, a + 2 * kPageSize, 1, 40));
}

TEST_F(Fork, RightsGuardsAndTheHeapAreCopied) {
    const VirtualAddress read_only = vm.mmap(kCpu0, parent, kPageSize).release();
    fill(parent, read_only, 1, 3);
    ASSERT_EQ(vm.mprotect(kCpu0, parent, read_only, kPageSize, kProtectRead), Error::None);
    const VirtualAddress code = vm.mmap(kCpu0, parent, kPageSize, kProtectRead | kProtectExecute).release();
    ASSERT_EQ(vm.execute(kCpu0, parent, code), Error::None);
    const VirtualAddress stack = vm.mmap(kCpu0, parent, 8 * kPageSize, kBoth, kMapAnonymous | kMapPrivate | kMapGrowsDown).release();
    fill(parent, stack + 7 * kPageSize, 1, 4);
    const ProcessId child = copy(parent);
    EXPECT_EQ(vm.write(kCpu1, child, read_only, 1), Error::AccessDenied);
    EXPECT_TRUE(holds(child, read_only, 1, 3));
    EXPECT_EQ(vm.execute(kCpu1, child, code), Error::None);
    EXPECT_EQ(vm.write(kCpu1, child, stack, 1), Error::AccessDenied);
    EXPECT_TRUE(holds(child, stack + 7 * kPageSize, 1, 4));
    // A right given back later is used on a copy, too.
    ASSERT_EQ(vm.mprotect(kCpu1, child, read_only, kPageSize, kBoth), Error::None);
    fill(child, read_only, 1, 9);
    EXPECT_TRUE(holds(parent, read_only, 1, 3));
    Space& from = *vm.processes().find(parent);
    Space& to = *vm.processes().find(child);
    EXPECT_TRUE(from.heap_start == to.heap_start && from.heap_end == to.heap_end);
}

TEST_F(Fork, ASpaceWithoutRegionsHasItsBreak) {
    vm.processes().find(parent)->heap_start = vm.processes().find(parent)->heap_end = VirtualAddress{uint64_t{1} << 28};
    Space& to = *vm.processes().find(copy(parent));
    EXPECT_EQ(to.heap_end.raw(), uint64_t{1} << 28);
}

TEST_F(Fork, WhatIsUnmappedOrDiscardedGoesFromOneOnly) {
    const VirtualAddress a = vm.mmap(kCpu0, parent, 16 * kPageSize).release();
    fill(parent, a, 16, 1);
    const ProcessId child = copy(parent);
    ASSERT_EQ(vm.munmap(kCpu0, parent, a, 4 * kPageSize), Error::None);
    ASSERT_EQ(vm.discard(kCpu1, child, a + 8 * kPageSize, 4 * kPageSize), Error::None);
    EXPECT_TRUE(holds(child, a, 8, 1));
    EXPECT_EQ(vm.read(kCpu1, child, a + 8 * kPageSize).release(), 0u);
    EXPECT_TRUE(holds(parent, a + 4 * kPageSize, 12, 5));
}

TEST_F(Fork, SharedMemoryStaysShared) {
    const VirtualAddress a = vm.mmap(kCpu0, parent, 2 * kPageSize).release();
    fill(parent, a, 2, 1);
    copies.push_back(vm.create(kCpu1));
    const ProcessId partner = copies.back();
    ASSERT_EQ(vm.call(kCpu0, parent, VmCall::Share, {{0, parent.raw(), a.raw(), 2 * kPageSize, partner.raw()}}).outcome(), Error::None);
    const ProcessId child = copy(parent);
    fill(child, a, 1, 50);
    EXPECT_TRUE(holds(parent, a, 1, 50) && holds(partner, a, 1, 50));
}

// Of a page that is copied on write the two who share get one of their own.
TEST_F(Fork, WhatIsSharedAfterwardsIsNoOtherCopys) {
    const VirtualAddress a = vm.mmap(kCpu0, parent, 2 * kPageSize).release();
    fill(parent, a, 2, 1);
    const ProcessId child = copy(parent);
    copies.push_back(vm.create(kCpu1));
    const ProcessId partner = copies.back();
    ASSERT_EQ(vm.read(kCpu1, parent, a).release(), 1u);  // so that two CPUs have the leaf
    ASSERT_EQ(vm.call(kCpu0, parent, VmCall::Share, {{0, parent.raw(), a.raw(), 2 * kPageSize, partner.raw()}}).outcome(), Error::None);
    fill(partner, a, 2, 80);
    EXPECT_TRUE(holds(parent, a, 2, 80));
    EXPECT_TRUE(holds(child, a, 2, 1));
}

TEST_F(Fork, DetachedLeavesAreCopied) {
    const VirtualAddress a = vm.mmap(kCpu0, parent, 3 * kLeafSize).release();
    fill(parent, a + kLeafSize, 8, 1);
    ASSERT_EQ(vm.munmap(kCpu0, parent, a + kLeafSize + 4 * kPageSize, kPageSize), Error::None);
    ASSERT_NE(find_detached(*vm.processes().find(parent), VirtualRange::of(a + kLeafSize, kPageSize)), nullptr);
    const ProcessId child = copy(parent);
    EXPECT_TRUE(holds(child, a + kLeafSize, 4, 1) && holds(child, a + kLeafSize + 5 * kPageSize, 3, 6));
    EXPECT_EQ(vm.read(kCpu1, child, a + kLeafSize + 4 * kPageSize).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, child, a).release(), 0u);
}

// Both CPUs have the leaf: a thread there must not go on reading what was before another's write.
TEST_F(Fork, AllCpusSeeTheCopyThatOneHasMade) {
    const VirtualAddress a = vm.mmap(kCpu0, parent, 4 * kPageSize).release();
    fill(parent, a, 4, 1);
    ASSERT_TRUE(holds(parent, a, 4, 1, kCpu1));
    const ProcessId child = copy(parent);
    ASSERT_TRUE(holds(parent, a, 4, 1, kCpu1));
    fill(parent, a, 4, 60);
    EXPECT_TRUE(holds(parent, a, 4, 60, kCpu1));
    EXPECT_TRUE(holds(child, a, 4, 1));
}

TEST_F(Fork, RefusesWhatItCannotCopy) {
    const VirtualAddress a = vm.mmap(kCpu0, parent, kPageSize).release();
    fill(parent, a, 1, 1);
    EXPECT_EQ(fork(parent, parent), Error::Invalid);
    EXPECT_EQ(fork(parent, ProcessId{12345}), Error::NoProcess);
    const ProcessId child = copy(parent);
    EXPECT_EQ(fork(parent, child), Error::Exists);
    // The source goes on after a copy that could not be paid for.
    const VirtualAddress many = vm.mmap(kCpu0, parent, 100 * kPageSize).release();
    fill(parent, many, 100, 1);
    (void)copy(parent, 50);
    EXPECT_EQ(outcome, Error::NoMemory);
    fill(parent, many, 100, 2);
    EXPECT_EQ(vm.munmap(kCpu0, parent, many, 100 * kPageSize), Error::None);
    (void)copy(parent);
    EXPECT_EQ(outcome, Error::None);
}

// Everything but what is said in a shared frame is taken back.
TEST_F(Fork, RepeatedForksLeaveNothingBehind) {
    const VirtualAddress a = vm.mmap(kCpu0, parent, 700 * kPageSize).release();
    fill(parent, a, 700, 1);
    uint64_t first = 0;
    for (unsigned round = 0; round < 20; ++round) {
        const ProcessId child = vm.create(kCpu1);
        ASSERT_EQ(fork(parent, child), Error::None);
        fill(child, a, 20, 3);
        fill(parent, a, 700, 1);
        ASSERT_EQ(vm.exit(kCpu1, child), Error::None);
        if (round == 2) first = frames();
    }
    EXPECT_LE(frames(), first + 8);
    EXPECT_TRUE(holds(parent, a, 700, 1));
}

}  // namespace
}  // namespace shoal::vm::test
