// rs_update: two processes change places, and what each has with them.
#include <gtest/gtest.h>

#include "servers/vm/calls/detach.hpp"
#include "servers/vm/fault/fault.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class Update : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite, kFlags = kMapPrivate | kMapAnonymous | kMapFixed;
    static constexpr uint64_t kShared = kMapShared | kMapAnonymous | kMapFixed;
    static constexpr VirtualAddress kImage{0x4000'0000}, kMap{AddressLayout::kCommonMaps + kLeafSize}, kSlice{AddressLayout::kSlices + kLeafSize};
    static constexpr uint64_t kDevice = 0x803;

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : {old_one, new_one, rs}) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    Error update(ProcessId source, ProcessId destination, uint64_t flags, uint64_t allowed = kVmCallAllowed) {
        return vm.call(kCpu0, rs, VmCall::RsUpdate, {{0, source.raw(), destination.raw(), flags}}, allowed).outcome();
    }
    // With a word in each page, and every CPU's tables linked.
    void fill(ProcessId process, VirtualAddress at, uint64_t pages, uint64_t value, uint64_t flags = kFlags) {
        ASSERT_TRUE(vm.mmap(kCpu0, process, pages * kPageSize, kBoth, flags, at).ok());
        for (uint64_t i = 0; i < pages; ++i) {
            ASSERT_EQ(vm.write(kCpu0, process, at + i * kPageSize, value + i), Error::None);
            ASSERT_EQ(vm.read(kCpu2, process, at + i * kPageSize).release(), value + i);
        }
    }
    [[nodiscard]] bool holds(ProcessId process, VirtualAddress at, uint64_t pages, uint64_t value) {
        for (const CpuId cpu : {kCpu0, kCpu1, kCpu2}) {
            for (uint64_t i = 0; i < pages; ++i) {
                const Result<uint64_t> seen = vm.read(cpu, process, at + i * kPageSize);
                if (!seen.ok() || seen.value() != value + i) return false;
            }
        }
        return true;
    }
    [[nodiscard]] bool nothing_at(ProcessId process, VirtualAddress at) {
        return vm.read(kCpu0, process, at).error() == Error::BadAddress && vm.read(kCpu2, process, at).error() == Error::BadAddress;
    }

    Harness vm{{.cpus = 3}};
    const ProcessId rs = vm.create(kCpu0);
    const ProcessId old_one = vm.create(kCpu1), new_one = vm.create(kCpu2, 5000);
};

TEST_F(Update, EachGoesOnUnderTheOthersName) {
    fill(old_one, kImage, 3, 10), fill(old_one, kMap, 3, 20);
    fill(new_one, kImage, 3, 50), fill(new_one, kSlice, 3, 60);
    ASSERT_EQ(update(old_one, new_one, kUpdateNoMaps), Error::None);
    EXPECT_TRUE(holds(old_one, kImage, 3, 50));
    EXPECT_TRUE(holds(old_one, kSlice, 3, 60));
    EXPECT_TRUE(holds(new_one, kImage, 3, 10));
    EXPECT_TRUE(holds(new_one, kMap, 3, 20));
    EXPECT_TRUE(nothing_at(old_one, kMap));
    EXPECT_TRUE(nothing_at(new_one, kSlice));
    EXPECT_EQ(vm.usage(kCpu0, old_one).quota_pages, 5000u);
    fill(old_one, kMap, 2, 70);
    EXPECT_EQ(vm.munmap(kCpu1, new_one, kImage, 3 * kPageSize), Error::None);
    EXPECT_TRUE(holds(old_one, kImage, 3, 50));
}

// A leaf that named a CPU whose links are gone would have it fault for a page, and then for the table.
TEST_F(Update, NoLeafNamesACpuThatHasForgottenIt) {
    fill(old_one, kMap, 1, 20);
    ASSERT_TRUE(vm.mmap(kCpu0, old_one, kPageSize, kBoth, kFlags, kMap + kPageSize).ok());
    ASSERT_EQ(update(old_one, new_one, kUpdateNoMaps), Error::None);
    const Leaf& leaf = *vm.processes().find(new_one)->leaves.find(kMap);
    EXPECT_TRUE(leaf.cpus.empty());
    const uint64_t before = leaf.faults;
    EXPECT_EQ(vm.write(kCpu0, new_one, kMap + kPageSize, 7), Error::None);
    EXPECT_EQ(leaf.faults, before + 1);
}

TEST_F(Update, ARollbackUndoesIt) {
    fill(old_one, kImage, 1, 10), fill(old_one, kMap, 1, 20), fill(new_one, kImage, 1, 50);
    ASSERT_EQ(update(old_one, new_one, 0), Error::None);
    ASSERT_EQ(update(old_one, new_one, kUpdateRollback), Error::None);
    EXPECT_TRUE(holds(old_one, kImage, 1, 10));
    EXPECT_TRUE(holds(old_one, kMap, 1, 20));
    EXPECT_TRUE(holds(new_one, kImage, 1, 50));
}

TEST_F(Update, TheNewOneGetsWhatTheOldOneHasMapped) {
    fill(old_one, kImage, 1, 10), fill(old_one, kMap, 600, 2000), fill(old_one, kSlice, 3, 30), fill(new_one, kImage, 1, 50);
    ASSERT_EQ(update(old_one, new_one, 0), Error::None);
    EXPECT_TRUE(holds(old_one, kImage, 1, 50)) << "an image is its own";
    EXPECT_TRUE(holds(old_one, kMap, 600, 2000));
    EXPECT_TRUE(holds(old_one, kSlice, 3, 30));
    for (uint64_t i = 0; i < 600; ++i) ASSERT_EQ(vm.write(kCpu1, old_one, kMap + i * kPageSize, 7), Error::None);
    EXPECT_TRUE(holds(new_one, kMap, 600, 2000)) << "what the old one has stays as it was";
    EXPECT_TRUE(holds(new_one, kImage, 1, 10));
}

TEST_F(Update, SharedMemoryStaysShared) {
    fill(old_one, kMap, 4, 20, kShared);
    ASSERT_EQ(update(old_one, new_one, 0), Error::None);
    EXPECT_EQ(vm.write(kCpu1, old_one, kMap, 99), Error::None);
    EXPECT_TRUE(holds(new_one, kMap, 1, 99));
}

TEST_F(Update, WhatTheNewOneHasAlreadyStays) {
    fill(old_one, kMap, 4, 20), fill(old_one, kSlice, 4, 30), fill(new_one, kMap + 2 * kPageSize, 1, 50);
    ASSERT_EQ(update(old_one, new_one, 0), Error::None);
    EXPECT_TRUE(nothing_at(old_one, kMap));
    EXPECT_TRUE(holds(old_one, kMap + 2 * kPageSize, 1, 50));
    EXPECT_TRUE(holds(old_one, kSlice, 4, 30));
}

// Its leaf is detached: the tree has a region everywhere in it.
TEST_F(Update, WhatTheNewOneHasUnmappedIsFree) {
    const VirtualAddress hole = kMap + kLeafSize + 5 * kPageSize;
    ASSERT_TRUE(vm.mmap(kCpu0, new_one, 4 * kLeafSize, kBoth, kFlags, kMap).ok());
    ASSERT_EQ(vm.munmap(kCpu0, new_one, hole, 2 * kPageSize), Error::None);
    ASSERT_NE(find_detached(*vm.processes().find(new_one), VirtualRange::of(hole, kPageSize)), nullptr);
    fill(old_one, hole, 2, 20);
    ASSERT_EQ(update(old_one, new_one, 0), Error::None);
    EXPECT_TRUE(holds(old_one, hole, 2, 20));
    EXPECT_TRUE(holds(new_one, hole, 2, 20));
}

TEST_F(Update, HeapsAreTheirOwn) {
    const auto heap = [&](ProcessId process, uint64_t end) {
        return VirtualAddress{vm.call(kCpu0, process, VmCall::Brk, {{0, end}}).words[1]};
    };
    const VirtualAddress start = kImage + kLeafSize;
    for (const ProcessId process : {old_one, new_one}) {
        Space& space = *vm.processes().find(process);
        space.heap_start = space.heap_end = start;
    }
    EXPECT_EQ(heap(old_one, (start + 3 * kPageSize).raw()), start + 3 * kPageSize);
    EXPECT_EQ(vm.write(kCpu0, old_one, start, 5), Error::None);
    ASSERT_EQ(update(old_one, new_one, 0), Error::None);
    EXPECT_EQ(heap(new_one, 0), start + 3 * kPageSize);
    EXPECT_TRUE(holds(new_one, start, 1, 5));
    EXPECT_EQ(heap(old_one, 0), start);
}

TEST_F(Update, OfManyLeavesAndDetachedOnes) {
    constexpr uint64_t kLeaves = 150;
    ASSERT_TRUE(vm.mmap(kCpu0, old_one, kLeaves * kLeafSize, kBoth, kFlags, kMap).ok());
    for (uint64_t i = 0; i < kLeaves; ++i) ASSERT_EQ(vm.write(CpuId::from(i % 3), old_one, kMap + i * kLeafSize, i), Error::None);
    ASSERT_EQ(vm.munmap(kCpu0, old_one, kMap + 3 * kLeafSize + kPageSize, kPageSize), Error::None);
    ASSERT_EQ(update(old_one, new_one, 0), Error::None);
    for (const ProcessId process : {old_one, new_one})
        for (uint64_t i = 0; i < kLeaves; ++i) ASSERT_EQ(vm.read(kCpu0, process, kMap + i * kLeafSize).release(), i);
    EXPECT_TRUE(nothing_at(old_one, kMap + 3 * kLeafSize + kPageSize));
}

// A page that the cache has lent is found where it is now.
TEST_F(Update, BorrowedPagesAreTakenBackFromTheirNewPlace) {
    const auto place = [&](VmCall call, ProcessId process, VirtualAddress at) {
        return vm.call(kCpu0, process, call, {{0, at.raw(), kDevice, 0, 0, 0, 4}});
    };
    fill(old_one, kMap, 4, 20);
    ASSERT_EQ(place(VmCall::Setcachepage, old_one, kMap).outcome(), Error::None);
    ASSERT_EQ(update(old_one, new_one, kUpdateNoMaps), Error::None);
    const Message mapped = vm.call(kCpu0, new_one, VmCall::Mapcachepage, {{0, kDevice, 0, 0, 0, 4}});
    ASSERT_EQ(mapped.outcome(), Error::None);
    ASSERT_TRUE(holds(new_one, VirtualAddress{mapped.words[1]}, 4, 20));
    ASSERT_EQ(update(new_one, old_one, kUpdateRollback), Error::None);
    EXPECT_TRUE(holds(old_one, VirtualAddress{mapped.words[1]}, 4, 20));
    EXPECT_EQ(vm.call(kCpu0, rs, VmCall::Clearcache, {{0, kDevice}}).outcome(), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST_F(Update, BadArgumentsAreRefused) {
    EXPECT_EQ(update(old_one, new_one, 0, 0), Error::CallDenied);
    EXPECT_EQ(update(old_one, new_one, 4), Error::Invalid);
    EXPECT_EQ(update(old_one, old_one, 0), Error::Invalid);
    EXPECT_EQ(update(old_one, ProcessId::of(40, 1), 0), Error::NoProcess);
    EXPECT_EQ(update(ProcessId::of(40, 1), old_one, 0), Error::NoProcess);
    const ProcessId leaving = vm.create(kCpu0);
    ASSERT_EQ(vm.call(kCpu0, rs, VmCall::Willexit, {{0, leaving.raw()}}).outcome(), Error::None);
    EXPECT_EQ(update(old_one, leaving, 0), Error::NoProcess);
    EXPECT_EQ(vm.exit(kCpu0, leaving), Error::None);
}

TEST_F(Update, WhatTheKernelRefusesChangesNothing) {
    fill(old_one, kMap, 2, 20);
    for (const Error refusal : {Error::Busy, Error::Permission}) {
        vm.machine.set_swap_outcome(refusal);
        EXPECT_EQ(update(old_one, new_one, 0), refusal);
        EXPECT_TRUE(nothing_at(new_one, kMap));
        EXPECT_TRUE(holds(old_one, kMap, 2, 20));
    }
    vm.machine.set_swap_outcome(Error::None);
    EXPECT_EQ(update(old_one, new_one, 0), Error::None);
}

// Else the next update, for which it is not new any more, would leave it with what the old one had then.
TEST_F(Update, NothingIsInheritedFromWhoHasLentMemory) {
    const ProcessId borrower = vm.create(kCpu1);
    fill(old_one, kMap, 2, 20), fill(borrower, kMap, 2, 1);
    ASSERT_EQ(vm.map_memory(kCpu1, borrower, {old_one, kMap, kMap, 2 * kPageSize}), Error::None);
    EXPECT_EQ(update(old_one, new_one, 0), Error::Busy);
    EXPECT_TRUE(nothing_at(new_one, kMap));
    ASSERT_EQ(vm.unmap_memory(kCpu1, borrower, kMap), Error::None);
    for (uint64_t i = 0; i < 2; ++i) ASSERT_EQ(vm.write(kCpu1, old_one, kMap + i * kPageSize, 30 + i), Error::None);
    ASSERT_EQ(update(old_one, new_one, 0), Error::None);
    EXPECT_TRUE(holds(old_one, kMap, 2, 30));
    EXPECT_EQ(vm.exit(kCpu0, borrower), Error::None);
}

TEST_F(Update, WithoutMemoryForTheMapsNothingIsSwapped) {
    const ProcessId poor = vm.create(kCpu1, 20);
    fill(old_one, kImage, 1, 10), fill(old_one, kMap, 600, 2000);
    EXPECT_EQ(update(old_one, poor, 0), Error::NoMemory);
    EXPECT_TRUE(holds(old_one, kImage, 1, 10));
    EXPECT_TRUE(holds(old_one, kMap, 600, 2000));
    EXPECT_EQ(vm.exit(kCpu0, poor), Error::None);
}

// Each step of the way is stopped at, and somebody names one of the two there.
TEST_F(Update, WhoNamesOneOfThemMeanwhileWaits) {
    fill(old_one, kMap, 2, 20), fill(new_one, kMap, 2, 50);
    WorkerContext worker = vm.context(kCpu0);
    SwapDesk& desk = vm.processes().swap_desk();
    desk.begin(worker);
    vm.processes().slot(old_one)->close();
    Receipt receipt;
    receipt.status = kFromKernel;
    receipt.message = {{0, kMap.raw(), kFaultUser, 1, old_one.raw(), 0, kPageSize, old_one.raw()}};
    receipt.message.set_type(kMemoryRequest);
    worker.worker.epoch.enter_fenced();
    EXPECT_EQ(serve_memory_request(worker, receipt).kind, Action::Kind::None);
    worker.worker.epoch.leave();
    vm.processes().slot(old_one)->reopen(old_one);
    desk.end(worker);
    vm.settle();
    EXPECT_EQ(vm.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
