// rs_prepare and rs_memctl: memory that is there before it is wanted.
#include <gtest/gtest.h>

#include "servers/vm/requests/dispatcher.hpp"
#include "servers/vm/space/address_layout.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class Prepare : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite, kAnywhere = kMapPrivate | kMapAnonymous, kFlags = kAnywhere | kMapFixed;
    static constexpr VirtualAddress kImage{0x4000'0000}, kHeap{0x4020'0000}, kMap{AddressLayout::kCommonMaps + kLeafSize};
    static constexpr uint64_t kPoor = 200;  // pages

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : {old_one, new_one, poor, rs}) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    Message control(ProcessId process, uint64_t what, uint64_t bytes = 0) {
        return vm.call(kCpu0, rs, VmCall::RsMemctl, {{0, process.raw(), what, bytes}});
    }
    Error prepare(ProcessId source, ProcessId destination, uint64_t flags = 0, uint64_t allowed = kVmCallAllowed) {
        return vm.call(kCpu0, rs, VmCall::RsPrepare, {{0, source.raw(), destination.raw(), flags}}, allowed).outcome();
    }
    Error update(uint64_t flags) { return vm.call(kCpu0, rs, VmCall::RsUpdate, {{0, old_one.raw(), new_one.raw(), flags}}).outcome(); }
    VirtualAddress map(ProcessId process, uint64_t pages, uint64_t protection = kBoth, uint64_t flags = kAnywhere, VirtualAddress at = {}) {
        return vm.mmap(kCpu0, process, pages * kPageSize, protection, flags, at).release();
    }
    void begin_heap(ProcessId process) {
        Space& space = *vm.processes().find(process);
        space.heap_start = space.heap_end = kHeap;
    }
    VirtualAddress move_break(ProcessId process, uint64_t to = 0) {
        return VirtualAddress{vm.call(kCpu0, process, VmCall::Brk, {{0, to}}).words[1]};
    }
    // As rs sees it: a process without quota left could not even ask.
    uint64_t usage(ProcessId process, size_t offset) {
        const VirtualAddress into = map(rs, 1);
        EXPECT_EQ(vm.call(kCpu0, rs, VmCall::Info, {{0, kInfoUsage, process.raw(), into.raw(), sizeof(VmUsage)}}).outcome(), Error::None);
        const uint64_t value = vm.read(kCpu0, rs, into + offset).release();
        EXPECT_EQ(vm.munmap(kCpu0, rs, into, kPageSize), Error::None);
        return value;
    }
    uint64_t resident(ProcessId process) { return usage(process, offsetof(VmUsage, resident_pages)); }
    uint64_t faults(ProcessId process) { return usage(process, offsetof(VmUsage, minor_faults)); }
    // Writes to each page, none of which costs a page.
    void expect_pinned(ProcessId process, VirtualAddress start, uint64_t pages, uint64_t value) {
        const uint64_t before = faults(process), linked = 2 * (pages / kPagesPerLeaf + 2);
        for (uint64_t i = 0; i < pages; ++i) ASSERT_EQ(vm.write(kCpu0, process, start + i * kPageSize, value + i), Error::None);
        EXPECT_LE(faults(process), before + linked) << "a fault a leaf links its table, no more";
    }
    void expect_words(ProcessId process, VirtualAddress start, uint64_t pages, uint64_t value) {
        for (uint64_t i = 0; i < pages; ++i) EXPECT_EQ(vm.read(kCpu0, process, start + i * kPageSize).release(), value + i);
    }

    Harness vm{{.cpus = 3}};
    const ProcessId rs = vm.create(kCpu0);
    ProcessId old_one = vm.create(kCpu1);
    const ProcessId new_one = vm.create(kCpu2), poor = vm.create(kCpu1, kPoor);
};

TEST_F(Prepare, PinningMakesAllPresent) {
    const VirtualAddress small = map(old_one, 3), large = map(old_one, 1300), read_only = map(old_one, 2, kProtectRead);
    (void)map(old_one, 5, kProtectNone);
    ASSERT_EQ(vm.munmap(kCpu0, old_one, large + 700 * kPageSize, kPageSize), Error::None);  // in a leaf of its own regions
    ASSERT_EQ(control(old_one, kMemoryPin).outcome(), Error::None);
    EXPECT_EQ(resident(old_one), 3u + 1299 + 2);
    expect_pinned(old_one, small, 3, 10);
    expect_pinned(old_one, large, 700, 2000);
    expect_pinned(old_one, large + 701 * kPageSize, 599, 5000);
    EXPECT_EQ(vm.read(kCpu0, old_one, read_only).release(), 0u);
    EXPECT_EQ(resident(old_one), 3u + 1299 + 2);
}

TEST_F(Prepare, PinningLeavesAStacksGuard) {
    const VirtualAddress stack = map(old_one, 4, kBoth, kAnywhere | kMapGrowsDown);
    ASSERT_EQ(control(old_one, kMemoryPin).outcome(), Error::None);
    EXPECT_EQ(resident(old_one), 3u);
    EXPECT_EQ(vm.read(kCpu0, old_one, stack).error(), Error::AccessDenied);
}

TEST_F(Prepare, PinningMakesCopiesTheProcessesOwn) {
    const VirtualAddress at = map(old_one, 3);
    for (uint64_t i = 0; i < 3; ++i) ASSERT_EQ(vm.write(kCpu0, old_one, at + i * kPageSize, 10 + i), Error::None);
    ASSERT_EQ(vm.call(kCpu0, rs, VmCall::Fork, {{0, old_one.raw(), new_one.raw()}}).outcome(), Error::None);
    ASSERT_EQ(control(old_one, kMemoryPin).outcome(), Error::None);
    expect_pinned(old_one, at, 3, 70);
    expect_words(new_one, at, 3, 10);
}

TEST_F(Prepare, PinningStopsWhereTheQuotaEnds) {
    (void)map(poor, 2 * kPoor);
    EXPECT_EQ(control(poor, kMemoryPin).outcome(), Error::NoMemory);
    EXPECT_GT(resident(poor), kPoor / 2);
}

TEST_F(Prepare, AnExtendedHeapIsPresent) {
    begin_heap(old_one);
    ASSERT_EQ(move_break(old_one, kHeap.raw() + 100).raw(), kHeap.raw() + 100);
    const Message answer = control(old_one, kMemoryExtendHeap, 5 * kPageSize);
    ASSERT_EQ(answer.outcome(), Error::None);
    EXPECT_EQ(answer.words[1], kHeap.raw() + 100);
    EXPECT_EQ(move_break(old_one).raw(), kHeap.raw() + 100 + 5 * kPageSize);
    EXPECT_EQ(resident(old_one), 6u);
    expect_pinned(old_one, kHeap, 6, 1);
    EXPECT_EQ(move_break(old_one, kHeap.raw()), kHeap) << "it is a heap like any other";
    EXPECT_EQ(resident(old_one), 0u);
}

TEST_F(Prepare, AHeapThatTheQuotaDoesNotPayForStaysAsItWas) {
    begin_heap(poor);
    ASSERT_EQ(move_break(poor, kHeap.raw() + 2 * kPageSize).raw(), kHeap.raw() + 2 * kPageSize);
    ASSERT_EQ(vm.write(kCpu0, poor, kHeap, 8), Error::None);
    const uint64_t before = resident(poor);
    EXPECT_EQ(control(poor, kMemoryExtendHeap, 2 * kPoor * kPageSize).outcome(), Error::NoMemory);
    EXPECT_EQ(move_break(poor).raw(), kHeap.raw() + 2 * kPageSize);
    EXPECT_EQ(resident(poor), before);
    EXPECT_EQ(vm.read(kCpu0, poor, kHeap).release(), 8u);
    EXPECT_EQ(control(poor, kMemoryExtendHeap, kPageSize).outcome(), Error::None);
}

TEST_F(Prepare, AHeapGoesNoFurtherThanItCan) {
    EXPECT_EQ(control(old_one, kMemoryExtendHeap, kPageSize).outcome(), Error::NoMemory) << "there is none";
    begin_heap(old_one);
    (void)map(old_one, 1, kBoth, kFlags, kHeap + 3 * kPageSize);
    EXPECT_EQ(control(old_one, kMemoryExtendHeap, 4 * kPageSize).outcome(), Error::NoMemory);
    EXPECT_EQ(control(old_one, kMemoryExtendHeap, kUserTop + 1).outcome(), Error::NoMemory);
    EXPECT_EQ(control(old_one, kMemoryExtendHeap, 3 * kPageSize).outcome(), Error::None);
}

TEST_F(Prepare, APreallocatedMapIsFoundAgain) {
    EXPECT_EQ(control(old_one, kMemoryFindMap).words[2], 0u);
    const Message made = control(old_one, kMemoryMap, 600 * kPageSize - 5);
    ASSERT_EQ(made.outcome(), Error::None);
    const VirtualAddress at{made.words[1]};
    EXPECT_EQ(made.words[2], 600 * kPageSize);
    EXPECT_EQ(resident(old_one), 600u);
    expect_pinned(old_one, at, 600, 3);
    EXPECT_EQ(control(old_one, kMemoryMap, kPageSize).outcome(), Error::Exists);
    Message found = control(old_one, kMemoryFindMap);
    EXPECT_EQ(found.words[1], at.raw());
    EXPECT_EQ(found.words[2], 600 * kPageSize);
    ASSERT_EQ(vm.munmap(kCpu0, old_one, at, 100 * kPageSize), Error::None);
    (void)map(old_one, 100, kBoth, kFlags, at);
    found = control(old_one, kMemoryFindMap);
    EXPECT_EQ(found.words[1], (at + 100 * kPageSize).raw()) << "what else lies there now is another map";
    ASSERT_EQ(vm.munmap(kCpu0, old_one, at, 600 * kPageSize), Error::None);
    EXPECT_EQ(control(old_one, kMemoryFindMap).words[2], 0u);
    EXPECT_EQ(control(old_one, kMemoryMap, kPageSize).outcome(), Error::None);
}

TEST_F(Prepare, APreallocatedMapIsFoundWholeWhateverItsParts) {
    const VirtualAddress at{control(old_one, kMemoryMap, 600 * kPageSize).words[1]};
    ASSERT_EQ(vm.mprotect(kCpu0, old_one, at + 3 * kPageSize, 2 * kPageSize, kProtectRead), Error::None);
    EXPECT_EQ(control(old_one, kMemoryFindMap).words[2], 600 * kPageSize);
    ASSERT_EQ(vm.munmap(kCpu0, old_one, at + 10 * kPageSize, kPageSize), Error::None);
    EXPECT_EQ(control(old_one, kMemoryFindMap).words[2], 10 * kPageSize) << "up to the hole";
}

TEST_F(Prepare, ACopyHasNoPreallocatedMap) {
    const VirtualAddress at{control(old_one, kMemoryMap, 2 * kPageSize).words[1]};
    const VirtualAddress own{control(new_one, kMemoryMap, 2 * kPageSize).words[1]};
    ASSERT_EQ(own, at);
    ASSERT_EQ(vm.munmap(kCpu0, new_one, own, 2 * kPageSize), Error::None);
    ASSERT_EQ(vm.write(kCpu0, old_one, at, 7), Error::None);
    ASSERT_EQ(prepare(old_one, new_one), Error::None);
    EXPECT_EQ(vm.read(kCpu0, new_one, at).release(), 7u);
    EXPECT_EQ(control(new_one, kMemoryFindMap).words[2], 0u) << "what it has inherited there was mapped for another";
    EXPECT_EQ(update(0), Error::None);
}

TEST_F(Prepare, AMapThatTheQuotaDoesNotPayForIsNone) {
    EXPECT_EQ(control(poor, kMemoryMap, 2 * kPoor * kPageSize).outcome(), Error::NoMemory);
    EXPECT_EQ(control(poor, kMemoryFindMap).words[2], 0u);
    EXPECT_EQ(resident(poor), 0u);
    EXPECT_EQ(control(poor, kMemoryMap, kPageSize).outcome(), Error::None);
}

TEST_F(Prepare, InfoTellsAPreallocatedMap) {
    ASSERT_EQ(control(old_one, kMemoryMap, kPageSize).outcome(), Error::None);
    const VirtualAddress into = map(rs, 1);
    const Message told = vm.call(kCpu0, rs, VmCall::Info, {{0, kInfoRegions, old_one.raw(), into.raw(), kPageSize, 0}});
    ASSERT_EQ(told.words[1], 1u);
    EXPECT_EQ(vm.read(kCpu0, rs, into + offsetof(VmRegion, type)).release() >> 32, kRegionPreallocated);
}

TEST_F(Prepare, NothingIsInheritedBesideAPreallocatedMap) {
    ASSERT_EQ(control(new_one, kMemoryMap, kPageSize).outcome(), Error::None);
    EXPECT_EQ(update(0), Error::NotImplemented);
    EXPECT_EQ(update(kUpdateNoMaps), Error::None);
    EXPECT_EQ(update(kUpdateRollback), Error::None);
    EXPECT_EQ(control(new_one, kMemoryFindMap).words[2], kPageSize) << "it goes where its process goes";
}

TEST_F(Prepare, VmHasOneSuccessor) {
    EXPECT_EQ(control(old_one, kMemoryMakeVm).outcome(), Error::Permission) << "no server";
    for (const ProcessId process : {old_one, new_one, poor}) vm.processes().find(process)->standing = Standing::Server;
    (void)map(poor, 2 * kPoor);
    EXPECT_EQ(control(poor, kMemoryMakeVm).outcome(), Error::NoMemory);
    (void)map(old_one, 3);
    EXPECT_EQ(control(old_one, kMemoryMakeVm).outcome(), Error::None) << "what could not be pinned is none";
    EXPECT_EQ(resident(old_one), 3u);
    EXPECT_EQ(control(old_one, kMemoryMakeVm).outcome(), Error::None) << "once more changes nothing";
    EXPECT_EQ(control(new_one, kMemoryMakeVm).outcome(), Error::Permission);
    ASSERT_EQ(vm.exit(kCpu0, old_one), Error::None);
    old_one = vm.create(kCpu1);
    EXPECT_EQ(control(new_one, kMemoryMakeVm).outcome(), Error::None);
}

TEST_F(Prepare, BothAreReadyForAnUpdate) {
    for (const ProcessId process : {old_one, new_one}) begin_heap(process);
    ASSERT_EQ(move_break(old_one, kHeap.raw() + 10 * kPageSize).raw(), kHeap.raw() + 10 * kPageSize);
    (void)map(old_one, 600, kBoth, kFlags, kMap);
    for (uint64_t i = 0; i < 600; ++i) ASSERT_EQ(vm.write(kCpu1, old_one, kMap + i * kPageSize, 1000 + i), Error::None);
    ASSERT_EQ(prepare(old_one, new_one), Error::None);
    EXPECT_EQ(move_break(new_one).raw(), kHeap.raw() + 10 * kPageSize);
    expect_words(new_one, kMap, 600, 1000);
    expect_pinned(new_one, kHeap, 10, 1);
    expect_pinned(old_one, kMap, 600, 5000);
    expect_words(new_one, kMap, 600, 1000);
    expect_pinned(new_one, kMap, 600, 9000);
    ASSERT_EQ(update(0), Error::None);
    expect_words(old_one, kMap, 600, 9000);
    expect_words(new_one, kMap, 600, 5000);
}

TEST_F(Prepare, WithoutMapsTheNewOneGetsNone) {
    (void)map(old_one, 3, kBoth, kFlags, kMap);
    ASSERT_EQ(prepare(old_one, new_one, kUpdateNoMaps), Error::None);
    EXPECT_EQ(resident(old_one), 3u);
    EXPECT_EQ(vm.read(kCpu0, new_one, kMap).error(), Error::BadAddress);
}

TEST_F(Prepare, TwoAtOnceIntoOneExcludeEachOther) {
    (void)map(old_one, 2000, kBoth, kFlags, kMap);
    WorkerContext worker = vm.context(kCpu0);
    Exchange first;
    first.message.words[1] = old_one.raw(), first.message.words[2] = new_one.raw();
    first.message.words[kVmCallerWord] = rs.raw() | kVmCallAllowed;
    first.message.set_type(kVmCallBase + static_cast<uint32_t>(VmCall::RsPrepare));
    ASSERT_EQ(dispatch(worker, first).kind, Action::Kind::None);
    ASSERT_EQ(work(worker, first).kind, Action::Kind::None) << "begun, and far from its end";
    EXPECT_EQ(prepare(rs, new_one), Error::Exists);
    vm.settle();
    EXPECT_EQ(prepare(rs, new_one), Error::None);
}

TEST_F(Prepare, WithoutMemoryItFails) {
    (void)map(old_one, 2 * kPoor, kBoth, kFlags, kMap);
    EXPECT_EQ(prepare(old_one, poor), Error::NoMemory);
    expect_pinned(old_one, kMap, 2 * kPoor, 1);
}

TEST_F(Prepare, BadArgumentsAreRefused) {
    const ProcessId nobody = ProcessId::of(40, 1);
    EXPECT_EQ(prepare(old_one, new_one, 0, 0), Error::CallDenied);
    EXPECT_EQ(prepare(old_one, new_one, kUpdateRollback), Error::Invalid);
    EXPECT_EQ(prepare(old_one, old_one), Error::Invalid);
    EXPECT_EQ(prepare(old_one, nobody), Error::NoProcess);
    EXPECT_EQ(prepare(nobody, old_one), Error::NoProcess);
    EXPECT_EQ(vm.call(kCpu0, rs, VmCall::RsMemctl, {{0, old_one.raw(), kMemoryPin}}, 0).outcome(), Error::CallDenied);
    EXPECT_EQ(control(nobody, kMemoryPin).outcome(), Error::NoProcess);
    EXPECT_EQ(control(old_one, kMemoryFindMap + 1).outcome(), Error::Invalid);
    EXPECT_EQ(control(old_one, kMemoryMap).outcome(), Error::Invalid);
    EXPECT_EQ(control(old_one, kMemoryMap, kUserTop + 1).outcome(), Error::NoMemory);
    EXPECT_EQ(control(old_one, kMemoryExtendHeap).outcome(), Error::Invalid);
    vm.processes().find(old_one)->preallocating = true;  // as while another such call has not been answered
    EXPECT_EQ(control(old_one, kMemoryMap, kPageSize).outcome(), Error::Busy);
    EXPECT_EQ(control(old_one, kMemoryExtendHeap, kPageSize).outcome(), Error::Busy);
    EXPECT_EQ(update(kUpdateNoMaps), Error::Busy);
    vm.processes().find(old_one)->preallocating = false;
}

}  // namespace
}  // namespace shoal::vm::test
