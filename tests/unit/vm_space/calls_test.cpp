// mmap, munmap, mprotect, madvise, brk and faults, as one thread sees them.
#include <gtest/gtest.h>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr uint64_t kReadWrite = kProtectRead | kProtectWrite;
constexpr uint64_t kPrivate = kMapAnonymous | kMapPrivate;

class Calls : public ::testing::Test {
  protected:
    void SetUp() override { process = vm.create(kCpu0); }
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }
    VirtualAddress map(uint64_t pages) { return vm.mmap(kCpu0, process, pages * kPageSize).release(); }
    Harness vm{{}};
    ProcessId process;
};

// The frames that were there are free with the answer, which has to be the one that flushes.
TEST_F(Calls, AMapThatReplacesAndFillsInAdvanceLeavesNothingCached) {
    constexpr uint64_t kPages = 3 * kPagesPerLeaf;
    const VirtualAddress at = vm.mmap(kCpu0, process, kPages * kPageSize).release();
    for (uint64_t i = 0; i < kPages; ++i) ASSERT_EQ(vm.write(kCpu0, process, at + i * kPageSize, 1 + i), Error::None);
    constexpr auto kFlags = kMapAnonymous | kMapPrivate | kMapFixed | kMapPopulate;
    ASSERT_EQ(vm.mmap(kCpu0, process, kPages * kPageSize, kProtectRead | kProtectWrite, kFlags, at).release(), at);
    for (uint64_t i = 0; i < kPages; ++i) ASSERT_EQ(vm.read(kCpu0, process, at + i * kPageSize).release(), 0u) << i;
    EXPECT_EQ(vm.audit(), 0u);
}

TEST_F(Calls, NewMemoryReadsAsZeroAndKeepsWhatIsWritten) {
    const VirtualAddress a = map(3);
    EXPECT_EQ(vm.read(kCpu0, process, a + 8).release(), 0u);
    EXPECT_EQ(vm.write(kCpu0, process, a + kPageSize, 42), Error::None);
    EXPECT_EQ(vm.read(kCpu1, process, a + kPageSize).release(), 42u);
    EXPECT_EQ(vm.usage(kCpu0, process).resident_pages, 2u);
}

TEST_F(Calls, ProtectionIsOfWholePagesAndNeverOfWritingAndExecuting) {
    const VirtualAddress a = map(1);
    EXPECT_EQ(vm.mprotect(kCpu0, process, a + 8, kPageSize, kProtectRead), Error::Invalid);
    EXPECT_EQ(vm.mprotect(kCpu0, process, a, 0, kProtectRead), Error::Invalid);
    EXPECT_EQ(vm.mprotect(kCpu0, process, a, kPageSize, kReadWrite | kProtectExecute), Error::Invalid);
    EXPECT_EQ(vm.write(kCpu0, process, a, 1), Error::None);
}

// No segment reaches there.
TEST_F(Calls, NothingIsMappedBelowTheLowestAddress) {
    (void)map(1);
    for (const VirtualAddress at : {VirtualAddress{0}, AddressLayout::kLowest - kPageSize}) {
        EXPECT_EQ(vm.mprotect(kCpu0, process, at, kPageSize, kProtectRead), Error::BadAddress);
        EXPECT_EQ(vm.discard(kCpu0, process, at, kPageSize), Error::BadAddress);
        EXPECT_EQ(vm.munmap(kCpu0, process, at, kPageSize), Error::None);
    }
}

TEST_F(Calls, AccessOutsideAnyMappingIsRefused) {
    const VirtualAddress a = map(1);
    EXPECT_EQ(vm.write(kCpu0, process, a + kPageSize, 1), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, VirtualAddress{0}, 1), Error::BadAddress);
    EXPECT_EQ(vm.write(kCpu0, process, VirtualAddress{uint64_t{1} << 63}, 1), Error::BadAddress);
}

TEST_F(Calls, UnmappedPagesAreGoneOnEveryCpu) {
    const VirtualAddress a = map(4);
    for (unsigned i = 0; i < 4; ++i) ASSERT_EQ(vm.write(kCpu0, process, a + i * kPageSize, i), Error::None);
    ASSERT_EQ(vm.read(kCpu1, process, a + kPageSize).release(), 1u);
    ASSERT_EQ(vm.munmap(kCpu0, process, a + kPageSize, kPageSize), Error::None);
    EXPECT_EQ(vm.read(kCpu1, process, a + kPageSize).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(kCpu1, process, a + 2 * kPageSize).release(), 2u);
    EXPECT_GT(vm.machine.remote_flushes.load(), 0u);
    EXPECT_EQ(vm.usage(kCpu0, process).regions, 3u);
}

TEST_F(Calls, MemoryOfOneCpuIsUnmappedWithoutCallingAnother) {
    const VirtualAddress a = map(64);
    for (unsigned i = 0; i < 64; ++i) ASSERT_EQ(vm.write(kCpu0, process, a + i * kPageSize, i), Error::None);
    ASSERT_EQ(vm.munmap(kCpu0, process, a, 64 * kPageSize), Error::None);
    EXPECT_EQ(vm.machine.remote_flushes.load(), 0u);
    EXPECT_EQ(vm.read(kCpu0, process, a).error(), Error::BadAddress);
}

TEST_F(Calls, AddressesAreUsedAgainLastInFirstOut) {
    const VirtualAddress a = map(1);
    const VirtualAddress b = map(1);
    ASSERT_EQ(vm.munmap(kCpu0, process, a, kPageSize), Error::None);
    EXPECT_EQ(map(1), a);
    EXPECT_NE(a, b);
    EXPECT_EQ(map(512).raw() % kLeafSize, 0u);
}

TEST_F(Calls, ProtectionIsEnforcedAndGivenBack) {
    const VirtualAddress a = map(3);
    ASSERT_EQ(vm.write(kCpu0, process, a + kPageSize, 7), Error::None);
    ASSERT_EQ(vm.write(kCpu1, process, a + kPageSize, 8), Error::None);
    ASSERT_EQ(vm.mprotect(kCpu0, process, a + kPageSize, kPageSize, kProtectRead), Error::None);
    EXPECT_EQ(vm.write(kCpu1, process, a + kPageSize, 9), Error::AccessDenied);
    EXPECT_EQ(vm.read(kCpu1, process, a + kPageSize).release(), 8u);
    ASSERT_EQ(vm.mprotect(kCpu0, process, a + kPageSize, kPageSize, kProtectNone), Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, a + kPageSize).error(), Error::AccessDenied);
    EXPECT_EQ(vm.usage(kCpu0, process).regions, 4u);
    ASSERT_EQ(vm.mprotect(kCpu0, process, a + kPageSize, kPageSize, kReadWrite), Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, a + kPageSize).release(), 8u);
    EXPECT_EQ(vm.write(kCpu0, process, a + kPageSize, 1), Error::None);
    EXPECT_LE(vm.usage(kCpu0, process).regions, 2u);  // merged again
}

TEST_F(Calls, WriteAndExecuteExcludeEachOther) {
    EXPECT_EQ(vm.mmap(kCpu0, process, kPageSize, kReadWrite | kProtectExecute).error(), Error::Invalid);
    const VirtualAddress a = map(1);
    EXPECT_EQ(vm.execute(kCpu0, process, a), Error::AccessDenied);
    ASSERT_EQ(vm.mprotect(kCpu0, process, a, kPageSize, kProtectRead | kProtectExecute), Error::None);
    EXPECT_EQ(vm.execute(kCpu0, process, a), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, a, 1), Error::AccessDenied);
}

TEST_F(Calls, DiscardedPagesReadAsZeroAndAreNotCharged) {
    const VirtualAddress a = map(8);
    for (unsigned i = 0; i < 8; ++i) ASSERT_EQ(vm.write(kCpu0, process, a + i * kPageSize, 5), Error::None);
    const uint64_t before = vm.usage(kCpu0, process).charged_pages;
    ASSERT_EQ(vm.discard(kCpu0, process, a + 2 * kPageSize, 3 * kPageSize), Error::None);
    EXPECT_EQ(vm.usage(kCpu0, process).charged_pages, before - 3);
    EXPECT_EQ(vm.read(kCpu0, process, a + 2 * kPageSize).release(), 0u);
    EXPECT_EQ(vm.read(kCpu0, process, a + kPageSize).release(), 5u);
    EXPECT_EQ(vm.discard(kCpu0, process, a, 9 * kPageSize), Error::BadAddress);
}

TEST_F(Calls, FixedMapsReplaceAndRefuse) {
    const VirtualAddress at{uint64_t{1} << 30};
    ASSERT_EQ(vm.mmap(kCpu0, process, 4 * kPageSize, kReadWrite, kPrivate | kMapFixed, at).release(), at);
    ASSERT_EQ(vm.write(kCpu0, process, at + kPageSize, 3), Error::None);
    ASSERT_EQ(vm.read(kCpu1, process, at + kPageSize).release(), 3u);
    EXPECT_EQ(vm.mmap(kCpu0, process, kPageSize, kReadWrite, kPrivate | kMapFixedNoReplace, at).error(), Error::Exists);
    ASSERT_EQ(vm.mmap(kCpu0, process, 2 * kPageSize, kReadWrite, kPrivate | kMapFixed, at).release(), at);
    EXPECT_EQ(vm.read(kCpu1, process, at + kPageSize).release(), 0u);
    EXPECT_EQ(vm.mmap(kCpu0, process, kPageSize, kReadWrite, kPrivate | kMapFixed, at + 1).error(), Error::Invalid);
}

TEST_F(Calls, HeapGrowsAndShrinks) {
    const VirtualAddress start{uint64_t{1} << 28};
    {
        Space& space = *vm.processes().find(process);
        space.heap_start = space.heap_end = start;
    }
    const auto brk = [&](VirtualAddress to) { return vm.call(kCpu0, process, VmCall::Brk, {{0, to.raw()}}); };
    EXPECT_EQ(brk({}).words[1], start.raw());
    EXPECT_EQ(brk(start + 10000).outcome(), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, start + 8192, 1), Error::None);
    EXPECT_EQ(brk(start + 100).outcome(), Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, start + 8192).error(), Error::BadAddress);
    EXPECT_EQ(brk(start - 1).outcome(), Error::NoMemory);
}

TEST_F(Calls, StacksGrowDownToTheirGuard) {
    const VirtualAddress a = vm.mmap(kCpu0, process, 8 * kPageSize, kReadWrite, kPrivate | kMapGrowsDown).release();
    EXPECT_EQ(vm.write(kCpu0, process, a + 7 * kPageSize, 1), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, a + kPageSize, 1), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, a, 1), Error::AccessDenied);
}

TEST_F(Calls, OnlyTheLowestPageOfAStackIsItsGuard) {
    const VirtualAddress a = vm.mmap(kCpu0, process, 8 * kPageSize, kReadWrite, kPrivate | kMapGrowsDown).release();
    ASSERT_EQ(vm.mprotect(kCpu0, process, a + 4 * kPageSize, kPageSize, kProtectRead), Error::None);
    EXPECT_EQ(vm.read(kCpu0, process, a + 4 * kPageSize).release(), 0u);
    EXPECT_EQ(vm.write(kCpu0, process, a + 5 * kPageSize, 1), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, a, 1), Error::AccessDenied);
    ASSERT_EQ(vm.munmap(kCpu0, process, a, 2 * kPageSize), Error::None);
    EXPECT_EQ(vm.write(kCpu0, process, a + 2 * kPageSize, 1), Error::None);
}

TEST_F(Calls, AStackOverTwoSegmentsHasOneGuard) {
    const VirtualAddress border{uint64_t{1} << 46};
    const auto flags = kPrivate | kMapGrowsDown | kMapFixed;
    for (int again = 0; again < 2; ++again) {  // over nothing, then over itself
        ASSERT_TRUE(vm.mmap(kCpu0, process, 8 * kPageSize, kReadWrite, flags, border - 4 * kPageSize).ok());
        EXPECT_EQ(vm.write(kCpu0, process, border, 1), Error::None);
        EXPECT_EQ(vm.write(kCpu0, process, border - 4 * kPageSize, 1), Error::AccessDenied);
    }
}

TEST_F(Calls, PopulateFillsAtOnce) {
    const auto flags = kPrivate | kMapPopulate;
    const VirtualAddress a = vm.mmap(kCpu0, process, 1000 * kPageSize, kReadWrite, flags).release();
    EXPECT_GE(vm.usage(kCpu0, process).resident_pages, 1000u);
    EXPECT_EQ(vm.read(kCpu0, process, a + 999 * kPageSize).release(), 0u);
}

TEST_F(Calls, BadArgumentsGetTheirErrors) {
    const VirtualAddress a = map(1);
    EXPECT_EQ(vm.mmap(kCpu0, process, 0).error(), Error::Invalid);
    EXPECT_EQ(vm.mmap(kCpu0, process, ~uint64_t{0}).error(), Error::NoMemory);
    EXPECT_EQ(vm.mmap(kCpu0, process, kPageSize, 8).error(), Error::Invalid);
    EXPECT_EQ(vm.mmap(kCpu0, process, kPageSize, kReadWrite, kMapAnonymous).error(), Error::Invalid);
    EXPECT_EQ(vm.munmap(kCpu0, process, a + 1, kPageSize), Error::Invalid);
    EXPECT_EQ(vm.munmap(kCpu0, process, a, 0), Error::Invalid);
    EXPECT_EQ(vm.munmap(kCpu0, process, a, ~uint64_t{0} - 100), Error::BadAddress);
    EXPECT_EQ(vm.mprotect(kCpu0, process, a, 2 * kPageSize, kProtectRead), Error::BadAddress);
    EXPECT_EQ(vm.call(kCpu0, process, static_cast<VmCall>(49), {}).outcome(), Error::NotImplemented);
}

TEST_F(Calls, QuotaIsTheLimit) {
    const ProcessId poor = vm.create(kCpu0, 10);
    const VirtualAddress a = vm.mmap(kCpu0, poor, 100 * kPageSize).release();
    unsigned got = 0;
    while (got < 100 && vm.write(kCpu0, poor, a + got * kPageSize, 1) == Error::None) ++got;
    EXPECT_EQ(got, 8u);  // the others: a table, and a page of regions
    EXPECT_EQ(vm.discard(kCpu0, poor, a, 100 * kPageSize), Error::None);
    EXPECT_EQ(vm.write(kCpu0, poor, a + 50 * kPageSize, 1), Error::None);
}

}  // namespace
}  // namespace shoal::vm::test
