// Large mappings and many CPUs.
#include <gtest/gtest.h>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr uint64_t kTebibyte = uint64_t{1} << 40;

TEST(Scale, ATebibyteIsMappedTouchedProtectedAndUnmapped) {
    Harness vm({.cpus = 2});
    const ProcessId process = vm.create(CpuId{0});
    const VirtualAddress a = vm.mmap(CpuId{0}, process, kTebibyte).release();
    for (unsigned i = 0; i < 300; ++i)
        ASSERT_EQ(vm.write(CpuId::from(i % 2), process, a + i * (kTebibyte / 300) / kPageSize * kPageSize, i), Error::None);
    ASSERT_EQ(vm.mprotect(CpuId{0}, process, a, kTebibyte, kProtectRead), Error::None);
    EXPECT_EQ(vm.write(CpuId{1}, process, a, 1), Error::AccessDenied);
    ASSERT_EQ(vm.munmap(CpuId{1}, process, a + kPageSize, kTebibyte - kPageSize), Error::None);
    EXPECT_EQ(vm.read(CpuId{0}, process, a + kTebibyte / 2).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(CpuId{0}, process, a).release(), 0u);
    EXPECT_EQ(vm.usage(CpuId{0}, process).virtual_pages, 2u);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Scale, TwoHundredFiftySixCpusEachInTheirSlice) {
    Harness vm({.cpus = 256, .bytes = 256 << 20, .slots = 16});
    const ProcessId process = vm.create(CpuId{0});
    VirtualAddress before{0};
    for (unsigned i = 0; i < 256; ++i) {
        const VirtualAddress a = vm.mmap(CpuId::from(i), process, 4 * kPageSize).release();
        EXPECT_GT(a, before);
        before = a;
        ASSERT_EQ(vm.write(CpuId::from(i), process, a, i), Error::None);
    }
    EXPECT_EQ(vm.read(CpuId{3}, process, before).release(), 255u);
    const VirtualAddress large = vm.mmap(CpuId{7}, process, kTebibyte).release();
    EXPECT_LT(large, AddressLayout::kSlices);
    const VirtualAddress across{AddressLayout::kSlices.raw() + (uint64_t{1} << 38) - kLeafSize};
    const uint64_t flags = kMapAnonymous | kMapPrivate | kMapFixed;
    ASSERT_TRUE(vm.mmap(CpuId{0}, process, 2 * kLeafSize, kProtectRead, flags, across).ok());
    EXPECT_EQ(vm.read(CpuId{9}, process, across + kLeafSize).release(), 0u);
    ASSERT_EQ(vm.munmap(CpuId{9}, process, across, 2 * kLeafSize), Error::None);
    ASSERT_EQ(vm.exit(CpuId{200}, process), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

// Five slices of a quarter of a tebibyte each, a region in every one.
TEST(Scale, ATebibyteOverTheSlicesOfSeveralCpus) {
    Harness vm({.cpus = 256, .bytes = 256 << 20, .slots = 16});
    const ProcessId process = vm.create(CpuId{0});
    constexpr uint64_t kSlice = kTebibyte / 4;
    const VirtualAddress a{AddressLayout::kSlices.raw() + 7 * kSlice + kSlice / 2};
    const uint64_t flags = kMapAnonymous | kMapPrivate | kMapFixed;
    ASSERT_TRUE(vm.mmap(CpuId{0}, process, kTebibyte, kProtectRead | kProtectWrite, flags, a).ok());
    EXPECT_EQ(vm.usage(CpuId{0}, process).regions, 5u + 1u);  // and the page of the answer
    for (unsigned i = 0; i < 64; ++i)
        ASSERT_EQ(vm.write(CpuId::from(i * 4), process, a + i * (kTebibyte / 64), i), Error::None);
    ASSERT_EQ(vm.mprotect(CpuId{255}, process, a, kTebibyte, kProtectRead), Error::None);
    for (unsigned i = 0; i < 64; ++i) {
        EXPECT_EQ(vm.write(CpuId::from(i * 4), process, a + i * (kTebibyte / 64), 0), Error::AccessDenied);
        EXPECT_EQ(vm.read(CpuId::from(i * 4 + 1), process, a + i * (kTebibyte / 64)).release(), i);
    }
    ASSERT_EQ(vm.munmap(CpuId{9}, process, a + kSlice, 2 * kSlice), Error::None);
    EXPECT_EQ(vm.read(CpuId{64}, process, a + 2 * kSlice).error(), Error::BadAddress);
    EXPECT_EQ(vm.read(CpuId{64}, process, a + 3 * kSlice).release(), 48u);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Scale, APageThatAllCpusHaveCachedIsGoneFromAll) {
    Harness vm({.cpus = 256, .bytes = 256 << 20, .slots = 16});
    const ProcessId process = vm.create(CpuId{0});
    const VirtualAddress a = vm.mmap(CpuId{100}, process, kPageSize).release();
    for (unsigned i = 0; i < 256; ++i) ASSERT_EQ(vm.read(CpuId::from(i), process, a).release(), 0u);
    ASSERT_EQ(vm.munmap(CpuId{17}, process, a, kPageSize), Error::None);
    for (unsigned i = 0; i < 256; ++i) EXPECT_EQ(vm.read(CpuId::from(i), process, a).error(), Error::BadAddress);
    EXPECT_EQ(vm.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
