// What leaves are granted: when it spares a fault the segment, and when it goes.
#include <gtest/gtest.h>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr auto kFixed = kMapAnonymous | kMapPrivate | kMapFixed;

class Granted : public ::testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(vm.write(kCpu0, process, at, 1), Error::None); }
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }  // grants too are compared with the regions

    Space& space() { return *vm.processes().find(process); }
    Leaf& leaf() { return *space().leaves.find(at); }
    [[nodiscard]] bool covers(unsigned page) { return leaf().granted().covers(page_in_leaf(at) + page); }

    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress at = vm.mmap(kCpu0, process, 8 * kPageSize).release();
};

TEST_F(Granted, FaultsAndDiscardsDoNotWaitForWhoChangesTheSegment) {
    Segment& segment = *space().find_segment(at);
    WorkerContext changer = vm.context(kCpu1);
    Segment::Guard guard(changer.locks(), segment.lock);
    Segment::Change change(segment);
    EXPECT_EQ(vm.write(kCpu0, process, at + 3 * kPageSize, 7), Error::None);
    EXPECT_EQ(vm.discard(kCpu0, process, at, 4 * kPageSize), Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, at + 3 * kPageSize).release(), 0u);
}

TEST_F(Granted, WhatIsUnmappedIsNotGranted) {
    EXPECT_TRUE(covers(7));
    ASSERT_EQ(vm.munmap(kCpu0, process, at + 7 * kPageSize, kPageSize), Error::None);  // never touched
    EXPECT_FALSE(covers(7));
    EXPECT_EQ(vm.write(kCpu0, process, at + 7 * kPageSize, 1), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, at + 6 * kPageSize, 1), Error::None);
}

TEST_F(Granted, ProtectionAndReplacementBindTheNextFault) {
    ASSERT_EQ(vm.mprotect(kCpu0, process, at + 4 * kPageSize, kPageSize, kProtectRead), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, at + 4 * kPageSize, 1), Error::AccessDenied);
    ASSERT_EQ(vm.write(kCpu0, process, at + 5 * kPageSize, 1), Error::None);
    ASSERT_TRUE(vm.mmap(kCpu0, process, kPageSize, kProtectRead, kFixed, at + 6 * kPageSize).ok());
    EXPECT_EQ(vm.write(kCpu0, process, at + 6 * kPageSize, 1), Error::AccessDenied);
}

TEST_F(Granted, WhatIsMappedIsGrantedToTheLeafThatIsThere) {
    ASSERT_EQ(vm.munmap(kCpu0, process, at, 8 * kPageSize), Error::None);
    EXPECT_TRUE(leaf().granted().empty());
    ASSERT_EQ(vm.mmap(kCpu0, process, 2 * kPageSize).release(), at);
    EXPECT_TRUE(covers(1));
    EXPECT_FALSE(covers(2));
}

TEST_F(Granted, AStacksGuardIsNot) {
    constexpr auto kStack = kFixed | kMapGrowsDown;
    const VirtualAddress stack{at + 16 * kPageSize};
    ASSERT_TRUE(vm.mmap(kCpu0, process, 4 * kPageSize, kProtectRead | kProtectWrite, kStack, stack).ok());
    EXPECT_FALSE(covers(16));
    EXPECT_TRUE(covers(17));
    EXPECT_EQ(vm.write(kCpu0, process, stack, 1), Error::AccessDenied);
}

}  // namespace
}  // namespace shoal::vm::test
