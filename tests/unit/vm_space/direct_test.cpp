// Direct memory: a device's registers in a space, of which VM owns nothing and sees nothing.
#include <gtest/gtest.h>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class Direct : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite;
    static constexpr uint64_t kDevice = Machine::kDevice.first.address().raw();

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    Result<VirtualAddress> map(uint64_t physical, uint64_t bytes, uint64_t protection = kBoth, ProcessId of = {}) {
        const Message answer = vm.call(kCpu0, process, VmCall::MapPhys, {{0, of.raw(), physical, bytes, protection}});
        if (answer.outcome() != Error::None) return answer.outcome();
        return VirtualAddress{answer.words[1]};
    }
    Error unmap(VirtualAddress address) { return vm.call(kCpu0, process, VmCall::UnmapPhys, {{0, 0, address.raw()}}).outcome(); }
    Message ask_physical(VirtualAddress address) { return vm.call(kCpu0, process, VmCall::Getphys, {{0, 0, address.raw()}}); }
    uint64_t charged() { return vm.usage(kCpu0, process).charged_pages; }

    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0);
};

TEST_F(Direct, TwoMapsAreOneDevice) {
    const VirtualAddress a = map(kDevice + 0x3008, 5 * kPageSize).release(), b = map(kDevice + 0x4000, 8).release();
    EXPECT_EQ(a.page_offset(), 8u);
    EXPECT_EQ(b.page_offset(), 0u);
    EXPECT_EQ(vm.write(kCpu0, process, a + 0x1000, 17), Error::None);
    EXPECT_EQ(vm.read(kCpu1, process, b + 8).release(), 17u);
    EXPECT_EQ(ask_physical(a).words[1], kDevice + 0x3008);
    EXPECT_EQ(ask_physical(b + 1).words[1], kDevice + 0x4001);
}

TEST_F(Direct, TheQuotaPaysForTablesOnly) {
    const uint64_t before = charged();
    const VirtualAddress a = map(kDevice, 600 * kPageSize).release();
    for (uint64_t page = 0; page < 600; ++page) ASSERT_EQ(vm.write(kCpu0, process, a + page * kPageSize, page), Error::None);
    EXPECT_LE(charged(), before + 3);
    for (uint64_t page = 0; page < 600; ++page) ASSERT_EQ(vm.read(kCpu1, process, a + page * kPageSize).release(), page);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST_F(Direct, ProtectionIsKeptAndChanged) {
    const VirtualAddress a = map(kDevice, 4 * kPageSize, kProtectRead).release();
    EXPECT_EQ(vm.read(kCpu0, process, a).release(), 0u);
    EXPECT_EQ(vm.write(kCpu0, process, a, 1), Error::AccessDenied);
    EXPECT_EQ(vm.mprotect(kCpu0, process, a + kPageSize, kPageSize, kBoth), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, a + kPageSize, 1), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, a + 2 * kPageSize, 1), Error::AccessDenied);
    EXPECT_EQ(ask_physical(a + 3 * kPageSize).words[1], kDevice + 3 * kPageSize) << "of what is left of a region";
    EXPECT_EQ(map(kDevice, 8, kBoth | kProtectExecute).error(), Error::Invalid);
}

TEST_F(Direct, AnotherProcessIsNobodysBusiness) {
    const ProcessId other = vm.create(kCpu1);
    const VirtualAddress a = map(kDevice, 8, kBoth, process).release();
    EXPECT_EQ(map(kDevice, 8, kBoth, other).error(), Error::Permission);
    EXPECT_EQ(vm.call(kCpu0, other, VmCall::UnmapPhys, {{0, process.raw(), a.raw()}}).outcome(), Error::Permission);
    EXPECT_EQ(vm.call(kCpu0, process, VmCall::UnmapPhys, {{0, process.raw(), a.raw()}}).outcome(), Error::None);
    EXPECT_EQ(vm.exit(kCpu0, other), Error::None);
}

TEST_F(Direct, DontNeedKeepsTheDevice) {
    const VirtualAddress a = map(kDevice, 2 * kPageSize).release();
    EXPECT_EQ(vm.write(kCpu0, process, a, 5), Error::None);
    EXPECT_EQ(vm.discard(kCpu0, process, a, 2 * kPageSize), Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, a).release(), 5u);
}

TEST_F(Direct, UnmappingTakesWhatOneMapHasMapped) {
    const VirtualAddress a = map(kDevice + 24, 3 * kPageSize).release(), b = map(kDevice, kPageSize).release();
    EXPECT_EQ(vm.write(kCpu1, process, a, 5), Error::None);
    EXPECT_EQ(unmap(a + kPageSize), Error::BadAddress) << "the second page of one";
    EXPECT_EQ(unmap(a), Error::None);
    EXPECT_EQ(unmap(a), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, process, a).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, process, b + 24).release(), 5u);
    const VirtualAddress plain = vm.mmap(kCpu0, process, kPageSize).release();
    EXPECT_EQ(unmap(plain), Error::BadAddress) << "no device";
    EXPECT_EQ(unmap(VirtualAddress{kUserTop}), Error::BadAddress);
}

// What mprotect has parted is one device still.
TEST_F(Direct, UnmappingTakesAllOfAMapThatWasParted) {
    const VirtualAddress a = map(kDevice, 8 * kPageSize).release();
    ASSERT_EQ(vm.mprotect(kCpu0, process, a + 2 * kPageSize, kPageSize, kProtectRead), Error::None);
    EXPECT_EQ(unmap(a), Error::None);
    for (const uint64_t page : {0u, 2u, 7u}) EXPECT_EQ(vm.read(kCpu1, process, a + page * kPageSize).error(), Error::BadAddress) << page;
}

TEST_F(Direct, AForkLeavesOutWhatTheCopyMayNotHave) {
    const VirtualAddress a = map(kDevice, 4 * kPageSize).release(), b = vm.mmap(kCpu0, process, kPageSize).release();
    ASSERT_EQ(vm.write(kCpu0, process, a, 1), Error::None);
    ASSERT_EQ(vm.write(kCpu0, process, b, 2), Error::None);
    const ProcessId copy = vm.create(kCpu1);
    vm.machine.deny_devices(copy);
    ASSERT_EQ(vm.call(kCpu0, process, VmCall::Fork, {{0, process.raw(), copy.raw()}}).outcome(), Error::None);
    EXPECT_EQ(vm.read(kCpu1, copy, a).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, copy, b).release(), 2u);
    EXPECT_EQ(vm.read(kCpu0, process, a).release(), 1u);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.exit(kCpu1, copy), Error::None);
}

TEST_F(Direct, APartGoesByMunmap) {
    const VirtualAddress a = map(kDevice, 6 * kPageSize).release();
    EXPECT_EQ(vm.write(kCpu0, process, a + 5 * kPageSize, 7), Error::None);
    EXPECT_EQ(vm.munmap(kCpu0, process, a + kPageSize, 2 * kPageSize), Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, a + 5 * kPageSize).release(), 7u);
    EXPECT_EQ(ask_physical(a + 3 * kPageSize).words[1], kDevice + 3 * kPageSize);
    EXPECT_EQ(unmap(a + 3 * kPageSize), Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, a).release(), 0u);
    EXPECT_EQ(vm.read(kCpu0, process, a + 5 * kPageSize).error(), Error::BadAddress);
}

TEST_F(Direct, WhatIsNoDeviceOfTheCallersIsRefused) {
    const uint64_t memory = vm.arena().memory()[0].first.address().raw();
    EXPECT_EQ(map(memory, 8).error(), Error::Permission);
    EXPECT_EQ(map(kDevice - 1, 8).error(), Error::Permission);
    EXPECT_EQ(map(kDevice, Machine::kDevice.count * kPageSize + 1).error(), Error::Permission);
    EXPECT_EQ(map(kDevice, 0).error(), Error::Invalid);
    EXPECT_EQ(map(~uint64_t{0}, 8).error(), Error::Invalid);
    EXPECT_EQ(map(kDevice, ~uint64_t{0}).error(), Error::Invalid);
    EXPECT_EQ(map(kDevice, ~uint64_t{0} - kDevice).error(), Error::Invalid);
    const ProcessId other = vm.create(kCpu1);
    EXPECT_EQ(map(kDevice, 8, kBoth, other).error(), Error::Permission);
    EXPECT_TRUE(map(kDevice, 8, kBoth, process).ok());
    EXPECT_EQ(vm.exit(kCpu1, other), Error::None);
}

// VM's window does not reach it.
TEST_F(Direct, VmNeitherReadsNorWritesIt) {
    const VirtualAddress a = map(kDevice, kPageSize).release();
    EXPECT_EQ(vm.call(kCpu0, process, VmCall::Info, {{0, kInfoStats, 0, a.raw(), sizeof(VmStats)}}).outcome(), Error::BadAddress);
    const ProcessId other = vm.create(kCpu1);
    EXPECT_EQ(vm.call(kCpu0, process, VmCall::Load, {{0, a.raw()}}).outcome(), Error::BadAddress);
    EXPECT_EQ(vm.call(kCpu0, process, VmCall::Share, {{0, process.raw(), a.raw(), kPageSize, other.raw()}}).outcome(), Error::BadAddress);
    EXPECT_EQ(vm.exit(kCpu1, other), Error::None);
}

TEST_F(Direct, AForkHasTheSameDevice) {
    const VirtualAddress a = map(kDevice, 4 * kPageSize).release();
    EXPECT_EQ(vm.write(kCpu0, process, a, 1), Error::None);
    const ProcessId copy = vm.create(kCpu1);
    ASSERT_EQ(vm.call(kCpu0, process, VmCall::Fork, {{0, process.raw(), copy.raw()}}).outcome(), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, a, 2), Error::None);
    EXPECT_EQ(vm.read(kCpu1, copy, a).release(), 2u);
    EXPECT_EQ(vm.write(kCpu1, copy, a + kPageSize, 3), Error::None) << "a page that the fork had not seen";
    EXPECT_EQ(vm.read(kCpu0, process, a + kPageSize).release(), 3u);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.exit(kCpu1, copy), Error::None);
}

// Neighbours in the space are one region only where they are neighbours on the bus.
TEST_F(Direct, RegionsPartAndUniteByWhereTheyLead) {
    const VirtualAddress a = map(kDevice, 8 * kPageSize).release();
    const uint64_t before = vm.usage(kCpu0, process).regions;
    EXPECT_EQ(vm.mprotect(kCpu0, process, a + 2 * kPageSize, kPageSize, kProtectRead), Error::None);
    EXPECT_EQ(vm.usage(kCpu0, process).regions, before + 2);
    EXPECT_EQ(vm.mprotect(kCpu0, process, a + 2 * kPageSize, kPageSize, kBoth), Error::None);
    EXPECT_EQ(vm.usage(kCpu0, process).regions, before);
    const VirtualAddress b = map(kDevice, kPageSize).release();
    EXPECT_EQ(vm.usage(kCpu0, process).regions, before + 1) << "at " << b.raw() - a.raw();
}

// Whatever else is put there: a device's pages are taken off it first.
TEST_F(Direct, AMapOverItReplacesIt) {
    const VirtualAddress a = map(kDevice, 4 * kPageSize).release();
    EXPECT_EQ(vm.write(kCpu1, process, a + kPageSize, 9), Error::None);
    EXPECT_EQ(vm.mmap(kCpu0, process, 2 * kPageSize, kBoth, kMapAnonymous | kMapPrivate | kMapFixed, a).release(), a);
    EXPECT_EQ(vm.read(kCpu1, process, a + kPageSize).release(), 0u);
    EXPECT_EQ(vm.write(kCpu1, process, a + kPageSize, 4), Error::None);
    const VirtualAddress again = map(kDevice, 4 * kPageSize).release();
    EXPECT_EQ(vm.read(kCpu0, process, again + kPageSize).release(), 9u);
}

}  // namespace
}  // namespace shoal::vm::test
