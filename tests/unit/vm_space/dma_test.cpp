// Memory that a device may write outlives its mapping and its process, until somebody says that the device is quiet.
#include <gtest/gtest.h>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class Dma : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite;
    static constexpr uint64_t kFlags = kMapPrivate | kMapAnonymous | kMapPopulate | kMapContiguous;

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        if (driver.raw() != 0) end_driver();
        EXPECT_EQ(get().outcome(), Error::NoEntry) << "every test gives back what it holds";
        EXPECT_EQ(vm.exit(kCpu1, manager), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    VirtualAddress map(uint64_t pages) { return vm.mmap(kCpu0, driver, pages * kPageSize, kBoth, kFlags).release(); }
    Message add(VirtualAddress address, uint64_t bytes) { return vm.call(kCpu0, driver, VmCall::Adddma, {{0, address.raw(), bytes}}); }
    Error remove(ProcessId asker, uint64_t physical, ProcessId of = {}, uint64_t allowed = kVmCallAllowed) {
        return vm.call(kCpu1, asker, VmCall::Deldma, {{0, of.raw(), physical}}, allowed).outcome();
    }
    Message get() { return vm.call(kCpu1, manager, VmCall::Getdma, {}); }
    void end_driver() {
        ASSERT_EQ(vm.exit(kCpu0, driver), Error::None);
        driver = ProcessId{};
    }
    uint64_t frames() {
        vm.settle();
        return vm.arena().frames_in_use();
    }

    Harness vm{{.cpus = 2}};
    ProcessId driver = vm.create(kCpu0);
    const ProcessId manager = vm.create(kCpu1);
};

TEST_F(Dma, FramesOfADeadDriverAreHeldUntilTheyAreReleased) {
    const ProcessId dead = driver;
    const VirtualAddress a = map(700);
    const Message held = add(a + 100 * kPageSize, 600 * kPageSize);
    ASSERT_EQ(held.outcome(), Error::None);
    EXPECT_EQ(get().outcome(), Error::NoEntry) << "its driver lives";
    end_driver();
    const uint64_t before = frames();
    const Message found = get();
    ASSERT_EQ(found.outcome(), Error::None);
    EXPECT_EQ(found.words[1], dead.raw());
    EXPECT_EQ(found.words[2], held.words[1]);
    EXPECT_EQ(found.words[3], 600 * kPageSize);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(remove(manager, found.words[2], dead), Error::None);
    EXPECT_EQ(frames(), before - 600);
    EXPECT_EQ(remove(manager, found.words[2], dead), Error::NoEntry);
}

TEST_F(Dma, AHoldIsTheFramesNotTheMapping) {
    const VirtualAddress a = map(20);
    ASSERT_EQ(vm.write(kCpu0, driver, a, 7), Error::None);
    const Message held = add(a, 20 * kPageSize);
    EXPECT_EQ(held.words[1], vm.call(kCpu0, driver, VmCall::Getphys, {{0, 0, a.raw()}}).words[1]);
    EXPECT_EQ(vm.read(kCpu1, driver, a).release(), 7u);
    EXPECT_EQ(vm.write(kCpu1, driver, a, 8), Error::None);
    const uint64_t before = frames();
    EXPECT_EQ(vm.munmap(kCpu0, driver, a, 20 * kPageSize), Error::None);
    EXPECT_EQ(frames(), before) << "the device may still write there";
    EXPECT_EQ(remove(driver, held.words[1], {}, 0), Error::None);
    EXPECT_EQ(frames(), before - 20);
}

TEST_F(Dma, ReleasedItIsMemoryAsBefore) {
    const VirtualAddress a = map(20);
    const Message held = add(a, 20 * kPageSize);
    EXPECT_EQ(remove(driver, held.words[1]), Error::None);
    EXPECT_EQ(vm.write(kCpu0, driver, a, 3), Error::None);
    EXPECT_EQ(vm.discard(kCpu0, driver, a, 20 * kPageSize), Error::None);
    EXPECT_EQ(vm.read(kCpu1, driver, a).release(), 3u) << "it stays where it is";
    const Message again = add(a + 2 * kPageSize, 2 * kPageSize);
    EXPECT_EQ(again.outcome(), Error::None);
    EXPECT_EQ(remove(driver, again.words[1]), Error::None);
}

TEST_F(Dma, WhatCannotBeHeldIsRefused) {
    const VirtualAddress a = map(8), plain = vm.mmap(kCpu0, driver, kPageSize).release();
    EXPECT_EQ(add(a + 8, kPageSize).outcome(), Error::Invalid);
    EXPECT_EQ(add(a, 0).outcome(), Error::Invalid);
    EXPECT_EQ(add(a, ~uint64_t{0}).outcome(), Error::BadAddress);
    EXPECT_EQ(add(a, kMostContiguousBytes + 1).outcome(), Error::Invalid);
    EXPECT_EQ(add(a, 9 * kPageSize).outcome(), Error::BadAddress);
    EXPECT_EQ(add(plain, kPageSize).outcome(), Error::BadAddress);
    EXPECT_EQ(add(VirtualAddress{0x7654'0000'0000}, kPageSize).outcome(), Error::BadAddress);
    EXPECT_EQ(vm.call(kCpu0, driver, VmCall::Adddma, {{0, a.raw(), kPageSize}}, 0).outcome(), Error::CallDenied) << "no quota pays for it";
    EXPECT_EQ(vm.call(kCpu1, driver, VmCall::Getdma, {}, 0).outcome(), Error::CallDenied);
    const Message held = add(a + kPageSize, 3 * kPageSize);
    EXPECT_EQ(add(a, 2 * kPageSize).outcome(), Error::Exists);
    EXPECT_EQ(add(a + 3 * kPageSize, kPageSize).outcome(), Error::Exists);
    EXPECT_EQ(remove(manager, held.words[1], driver, 0), Error::Permission);
    EXPECT_EQ(remove(manager, held.words[1]), Error::NoEntry) << "not his own";
    EXPECT_EQ(remove(driver, held.words[1] + kPageSize), Error::NoEntry);
    EXPECT_EQ(remove(driver, held.words[1]), Error::None);
}

TEST_F(Dma, RegionsOfOneBlockMayDifferInTheirAccess) {
    const VirtualAddress a = map(8);
    ASSERT_EQ(vm.mprotect(kCpu0, driver, a, kPageSize, kProtectRead), Error::None);
    const Message held = add(a, 8 * kPageSize);
    ASSERT_EQ(held.outcome(), Error::None);
    EXPECT_EQ(vm.write(kCpu0, driver, a, 1), Error::AccessDenied);
    EXPECT_EQ(remove(driver, held.words[1]), Error::None);
}

TEST_F(Dma, NeighboursThatWereUnmappedBetweenAreNoBlock) {
    const VirtualAddress a = map(8);
    ASSERT_EQ(vm.munmap(kCpu0, driver, a + 3 * kPageSize, kPageSize), Error::None);
    EXPECT_EQ(add(a, 8 * kPageSize).outcome(), Error::BadAddress);
    EXPECT_EQ(add(a + 4 * kPageSize, 4 * kPageSize).outcome(), Error::None);
    end_driver();
    const Message found = get();
    EXPECT_EQ(remove(manager, found.words[2], ProcessId{static_cast<uint32_t>(found.words[1])}), Error::None);
}

TEST_F(Dma, AForkSharesWhatADeviceWrites) {
    const VirtualAddress a = map(4);
    const Message held = add(a, 2 * kPageSize);
    ASSERT_EQ(vm.write(kCpu0, driver, a, 1), Error::None);
    const ProcessId copy = vm.create(kCpu1);
    ASSERT_EQ(vm.call(kCpu0, driver, VmCall::Fork, {{0, driver.raw(), copy.raw()}}).outcome(), Error::None);
    ASSERT_EQ(vm.write(kCpu0, driver, a, 2), Error::None);
    EXPECT_EQ(vm.read(kCpu1, copy, a).release(), 2u);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.exit(kCpu1, copy), Error::None);
    EXPECT_EQ(remove(driver, held.words[1]), Error::None);
}

}  // namespace
}  // namespace shoal::vm::test
