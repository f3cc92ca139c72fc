// Detached leaves: what is changed inside one leaf concerns that leaf alone, and comes to the same as if the segment's tree had it.
#include <gtest/gtest.h>

#include "servers/vm/calls/detach.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr auto kExactly = kMapAnonymous | kMapPrivate | kMapFixed;
constexpr auto kIfFree = kMapAnonymous | kMapPrivate | kMapFixedNoReplace;
constexpr uint64_t kLeaves = 4;

class Detached : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(at.raw() % kLeafSize, 0u);
        for (uint64_t leaf = 0; leaf < kLeaves; ++leaf) touch(page(leaf, 0));
    }
    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    [[nodiscard]] VirtualAddress page(uint64_t leaf, uint64_t page) const { return at + leaf * kLeafSize + page * kPageSize; }
    void touch(VirtualAddress address) { ASSERT_EQ(vm.write(kCpu0, process, address, address.raw()), Error::None); }
    [[nodiscard]] bool holds(VirtualAddress address) {
        const Result<uint64_t> seen = vm.read(kCpu0, process, address);
        return seen.ok() && seen.value() == address.raw();
    }
    Error unmap(VirtualAddress address, uint64_t pages = 1) { return vm.munmap(kCpu0, process, address, pages * kPageSize); }
    Error protect(VirtualAddress address, uint64_t pages, uint64_t protection) {
        return vm.mprotect(kCpu0, process, address, pages * kPageSize, protection);
    }
    Error map(VirtualAddress address, uint64_t pages, uint64_t flags = kExactly, uint64_t protection = kReadOrWrite) {
        return vm.mmap(kCpu0, process, pages * kPageSize, protection, flags, address).error();
    }
    Space& space() { return *vm.processes().find(process); }
    Segment& segment() { return *space().find_segment(at); }
    [[nodiscard]] bool detached(uint64_t leaf) {
        const Leaf* found = space().leaves.find(page(leaf, 0));
        return found != nullptr && found->detached();
    }
    [[nodiscard]] uint64_t version() { return segment().lookup(at).version; }
    // Less the page into which the answer is written.
    [[nodiscard]] uint64_t mapped_pages() { return vm.usage(kCpu0, process).virtual_pages - 1; }

    static constexpr uint64_t kReadOrWrite = kProtectRead | kProtectWrite;
    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress at = vm.mmap(kCpu0, process, kLeaves * kLeafSize).release();
};

TEST_F(Detached, NothingIsMappedInAHole) {
    const auto physical = [&](VirtualAddress address) { return vm.call(kCpu0, process, VmCall::Getphys, {{0, 0, address.raw()}}).outcome(); };
    ASSERT_EQ(unmap(page(1, 4), 2), Error::None);
    ASSERT_TRUE(detached(1));
    EXPECT_EQ(physical(page(1, 4)), Error::BadAddress);
    EXPECT_EQ(physical(page(1, 6)), Error::Invalid);
}

TEST_F(Detached, WhatChangesInOneLeafLeavesTheTreeAlone) {
    const uint64_t before = version();
    touch(page(1, 5));
    ASSERT_EQ(unmap(page(1, 4), 2), Error::None);
    ASSERT_EQ(protect(page(2, 7), 1, kProtectRead), Error::None);
    ASSERT_EQ(map(page(3, 0), 1), Error::None);
    EXPECT_TRUE(detached(1) && detached(2) && detached(3));
    EXPECT_EQ(version(), before);
    EXPECT_EQ(segment().regions().size(), 1u);
    EXPECT_EQ(vm.read(kCpu0, process, page(1, 5)).error(), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, page(1, 4), 1), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, page(2, 7), 1), Error::AccessDenied);
    EXPECT_EQ(vm.read(kCpu0, process, page(3, 0)).release(), 0u);
    EXPECT_TRUE(holds(page(1, 0)) && holds(page(2, 0)) && holds(page(0, 0)));
    EXPECT_EQ(mapped_pages(), kLeaves * kPagesPerLeaf - 2);
}

TEST_F(Detached, CallsAndFaultsInALeafDoNotWaitForTheSegment) {
    ASSERT_EQ(unmap(page(1, 4)), Error::None);
    WorkerContext changer = vm.context(kCpu1);
    Segment& busy = segment();
    Segment::Guard guard(changer.locks(), busy.lock);
    Segment::Change change(busy);
    EXPECT_EQ(unmap(page(1, 5)), Error::None);
    EXPECT_EQ(protect(page(1, 6), 2, kProtectRead), Error::None);
    EXPECT_EQ(map(page(1, 4), 1, kIfFree), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, page(1, 4), 1), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, page(1, 5), 1), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, page(1, 6), 1), Error::AccessDenied);
    EXPECT_EQ(vm.write(kCpu0, process, page(1, 9), 1), Error::None);
    EXPECT_EQ(vm.discard(kCpu0, process, page(1, 8), 8 * kPageSize), Error::None);
}

TEST_F(Detached, OfANeverTouchedLeafToo) {
    const VirtualAddress more = vm.mmap(kCpu0, process, 2 * kLeafSize, kProtectNone).release();
    ASSERT_EQ(protect(more + kLeafSize, 8, kReadOrWrite), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, more + kLeafSize, 1), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, more + kLeafSize + 8 * kPageSize, 1), Error::AccessDenied);
    EXPECT_EQ(vm.write(kCpu0, process, more, 1), Error::AccessDenied);
}

TEST_F(Detached, AWholeLeafOrARegionOfOneLeafIsTheTreesAffair) {
    ASSERT_EQ(unmap(page(1, 0), kPagesPerLeaf), Error::None);
    EXPECT_FALSE(detached(1));
    const VirtualAddress one = vm.mmap(kCpu0, process, kLeafSize).release();
    touch(one);
    ASSERT_EQ(vm.munmap(kCpu0, process, one + kPageSize, kPageSize), Error::None);
    EXPECT_FALSE(space().leaves.find(one)->detached());
}

TEST_F(Detached, AHoleTakesAMapAndNoneThatIsTaken) {
    ASSERT_EQ(unmap(page(1, 4), 4), Error::None);
    EXPECT_EQ(map(page(1, 3), 2, kIfFree), Error::Exists);
    EXPECT_EQ(map(page(1, 4), 2, kIfFree, kProtectRead), Error::None);
    EXPECT_EQ(map(page(1, 5), 2, kIfFree), Error::Exists);
    EXPECT_EQ(vm.write(kCpu0, process, page(1, 4), 1), Error::AccessDenied);
    EXPECT_TRUE(detached(1));
}

TEST_F(Detached, AMapIntoAHoleAndBeyondFindsItFree) {
    ASSERT_EQ(unmap(page(3, 500), 12), Error::None);
    ASSERT_TRUE(detached(3));
    EXPECT_EQ(map(page(3, 500), 20, kIfFree), Error::None);
    touch(page(3, 511));
    touch(page(3, 512));
    EXPECT_EQ(mapped_pages(), kLeaves * kPagesPerLeaf + 8);
    EXPECT_EQ(unmap(page(3, 512), 8), Error::None);
}

TEST_F(Detached, UnmappingMoreThanTheLeafTakesItsRegionsAlong) {
    ASSERT_EQ(protect(page(1, 8), 8, kProtectRead), Error::None);
    ASSERT_EQ(unmap(page(2, 8), 8), Error::None);
    ASSERT_EQ(unmap(page(0, 100), 2 * kPagesPerLeaf + 200), Error::None);  // all of leaf 1, parts of 0 and 2
    EXPECT_TRUE(!detached(1) && detached(2));
    EXPECT_EQ(mapped_pages(), kLeaves * kPagesPerLeaf - 2 * kPagesPerLeaf - 200);
    EXPECT_EQ(vm.read(kCpu0, process, page(1, 8)).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu0, process, page(2, 299)).error(), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, page(2, 300), 1), Error::None);
    EXPECT_EQ(map(page(1, 0), kPagesPerLeaf, kIfFree), Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, page(1, 0)).release(), 0u);
}

TEST_F(Detached, ProtectionOfMoreThanTheLeafBindsItsRegions) {
    ASSERT_EQ(protect(page(1, 8), 8, kProtectNone), Error::None);
    ASSERT_EQ(protect(page(2, 0), 8, kProtectRead), Error::None);
    ASSERT_EQ(protect(page(0, 100), 2 * kPagesPerLeaf, kProtectRead), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, page(1, 8), 1), Error::AccessDenied);
    EXPECT_EQ(vm.read(kCpu0, process, page(1, 8)).release(), 0u);
    EXPECT_EQ(vm.write(kCpu0, process, page(2, 99), 1), Error::AccessDenied);
    EXPECT_EQ(vm.write(kCpu0, process, page(2, 100), 1), Error::None);
    ASSERT_EQ(unmap(page(1, 8)), Error::None);
    EXPECT_EQ(protect(page(0, 0), kLeaves * kPagesPerLeaf, kReadOrWrite), Error::BadAddress);  // there is a hole
    EXPECT_EQ(vm.discard(kCpu0, process, at, kLeaves * kLeafSize), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, page(1, 20), 1), Error::AccessDenied);
}

TEST_F(Detached, AFixedMapOverMoreThanTheLeafReplacesIt) {
    ASSERT_EQ(unmap(page(1, 8), 8), Error::None);
    ASSERT_EQ(protect(page(2, 0), 8, kProtectNone), Error::None);
    ASSERT_EQ(map(page(0, 500), kPagesPerLeaf + 16), Error::None);
    EXPECT_FALSE(detached(1));
    touch(page(1, 8));
    touch(page(2, 3));
    EXPECT_EQ(vm.read(kCpu0, process, page(2, 4)).error(), Error::AccessDenied);
    EXPECT_EQ(mapped_pages(), kLeaves * kPagesPerLeaf);
}

TEST_F(Detached, ALeafUnmappedPageByPageIsFreeAgain) {
    for (uint64_t i = 0; i < kPagesPerLeaf; ++i) ASSERT_EQ(unmap(page(1, i)), Error::None);
    EXPECT_FALSE(detached(1));
    EXPECT_EQ(segment().regions().size(), 2u);
    EXPECT_EQ(mapped_pages(), (kLeaves - 1) * kPagesPerLeaf);
    EXPECT_EQ(map(page(1, 0), kPagesPerLeaf, kIfFree), Error::None);
}

TEST_F(Detached, AShortageLeavesItAlone) {
    ASSERT_EQ(unmap(page(1, 0)), Error::None);  // no page is left there
    {
        std::lock_guard turn(vm.machine.turn(kCpu0));
        WorkerContext worker = vm.context(kCpu0);
        vm.processes().shortage().begin();
        answer_shortage(worker);
    }
    vm.settle();
    EXPECT_TRUE(detached(1));
    EXPECT_EQ(vm.write(kCpu0, process, page(1, 0), 1), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, page(1, 1), 1), Error::None);
}

// The heap's end lay in another map; shrinking has left a hole there.
TEST_F(Detached, TheHeapGrowsBackIntoAHole) {
    const VirtualAddress start{0x4000'0000};
    {
        Segment::Guard guard(vm.context(kCpu0).locks(), space().common().lock);
        space().heap_start = space().heap_end = start;
    }
    const auto brk = [&](uint64_t pages) {
        return vm.call(kCpu0, process, VmCall::Brk, {{0, (start + pages * kPageSize).raw()}}).outcome();
    };
    ASSERT_EQ(brk(600), Error::None);
    ASSERT_EQ(map(start + 10 * kPageSize, 3 * kPagesPerLeaf), Error::None);
    ASSERT_EQ(brk(590), Error::None);
    ASSERT_TRUE(space().leaves.find(start + kLeafSize)->detached());
    EXPECT_EQ(brk(600), Error::None);
    EXPECT_FALSE(space().leaves.find(start + kLeafSize)->detached());
    touch(start + 595 * kPageSize);
    EXPECT_EQ(brk(601), Error::NoMemory);
}

// Whoever shares asks each leaf for its own.
TEST_F(Detached, SharingLooksAtItsRegions) {
    const ProcessId other = vm.create(kCpu0);
    const auto share = [&](uint64_t first, uint64_t pages) {
        const Message arguments{{0, process.raw(), page(1, first).raw(), pages * kPageSize, other.raw()}};
        return vm.call(kCpu0, process, VmCall::Share, arguments).outcome();
    };
    ASSERT_EQ(protect(page(1, 4), 1, kProtectRead), Error::None);
    EXPECT_EQ(share(3, 2), Error::BadAddress);
    EXPECT_EQ(share(4, 1), Error::None);
    EXPECT_EQ(share(8, 2 * kPagesPerLeaf), Error::None);
    EXPECT_EQ(vm.exit(kCpu0, other), Error::None);
}

TEST_F(Detached, ALongUnmappingGoesByAllItsLeaves) {
    constexpr uint64_t kLong = 200;
    const VirtualAddress start = vm.mmap(kCpu0, process, kLong * kLeafSize).release();
    for (const uint64_t leaf : {0u, 70u, 140u, 199u}) {
        touch(start + leaf * kLeafSize + 5 * kPageSize);
        ASSERT_EQ(unmap(start + leaf * kLeafSize + 6 * kPageSize), Error::None);
    }
    ASSERT_EQ(vm.munmap(kCpu0, process, start + 4 * kPageSize, kLong * kLeafSize - 8 * kPageSize), Error::None);
    EXPECT_EQ(mapped_pages(), kLeaves * kPagesPerLeaf + 8);
    for (const uint64_t leaf : {0u, 70u, 140u, 199u})
        EXPECT_EQ(vm.read(kCpu0, process, start + leaf * kLeafSize + 5 * kPageSize).error(), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, start + 3 * kPageSize, 1), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, start + kLong * kLeafSize - kPageSize, 1), Error::None);
}

TEST_F(Detached, TheQuotaPaysForItsRegions) {
    const ProcessId poor = vm.create(kCpu0, 40);
    const VirtualAddress start = vm.mmap(kCpu0, poor, 2 * kLeafSize).release();
    uint64_t cut = 0;
    while (cut < kPagesPerLeaf / 2 && vm.munmap(kCpu0, poor, start + (2 * cut + 1) * kPageSize, kPageSize) == Error::None) ++cut;
    EXPECT_GT(cut, 16u);
    EXPECT_EQ(vm.munmap(kCpu0, poor, start, 2 * kLeafSize), Error::None);
    EXPECT_EQ(vm.usage(kCpu0, poor).regions, 1u);  // where the answer is written
    EXPECT_EQ(vm.exit(kCpu0, poor), Error::None);
}

}  // namespace
}  // namespace shoal::vm::test
