// What a program makes VM keep for it is paid for by its quota, to the page: here its regions.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr uint64_t kQuota = 48;
constexpr uint64_t kEach = Space::kRegionsPerPage;

class RegionQuota : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }
    // One page each, no two neighbours alike; as many as there may be, and not more than `most`.
    void map_many(std::vector<VirtualAddress>& pages, size_t most) {
        while (pages.size() < most) {
            const uint64_t protection = pages.size() % 2 == 0 ? kProtectRead : kProtectNone;
            const Result<VirtualAddress> page = vm.mmap(kCpu0, process, kPageSize, protection);
            if (!page.ok()) {
                EXPECT_EQ(page.error(), Error::NoMemory);
                return;
            }
            pages.push_back(page.value());
        }
    }
    uint64_t charged() { return vm.processes().find(process)->quota.charged().raw(); }

    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0, kQuota);
};

// Large maps do not come back to the addresses of those before them: their tables stay where they were, empty.
TEST_F(RegionQuota, IsNotFilledByTheTablesOfWhatIsUnmapped) {
    constexpr uint64_t kLeaves = 6, kBytes = 128 * kLeafSize;
    for (uint64_t round = 0; round < 3 * kQuota; ++round) {
        const Result<VirtualAddress> map = vm.mmap(kCpu0, process, kBytes);
        ASSERT_TRUE(map.ok()) << "round " << round << ", " << charged() << " pages charged";
        for (uint64_t i = 0; i < kLeaves; ++i)
            ASSERT_EQ(vm.write(kCpu0, process, map.value() + i * kLeafSize, 1), Error::None) << "round " << round << ", " << charged() << " pages charged";
        ASSERT_EQ(vm.munmap(kCpu0, process, map.value(), kBytes), Error::None);
    }
    EXPECT_LE(charged(), kQuota);
}

// A page that was paid for the region of a map that then has no place.
TEST_F(RegionQuota, IsAsItWasWhereThereAreNoAddresses) {
    for (uint64_t i = 0; i < kEach; ++i)
        ASSERT_TRUE(vm.mmap(kCpu0, process, kPageSize, kProtectRead, kMapAnonymous | kMapPrivate | kMapFixed,
                            VirtualAddress{0x4000'0000 + i * 2 * kPageSize}).ok());
    const uint64_t before = charged();
    EXPECT_EQ(vm.mmap(kCpu0, process, uint64_t{1} << 46).error(), Error::NoMemory);
    EXPECT_EQ(charged(), before);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST_F(RegionQuota, EndsMapsWithoutEnd) {
    std::vector<VirtualAddress> pages;
    map_many(pages, 10'000);
    EXPECT_EQ(pages.size(), kQuota * kEach);  // CPU 0's slice first, all of it
    EXPECT_EQ(charged(), kQuota);
    // Nothing more, in no way, and what does not add a region goes on.
    EXPECT_EQ(vm.mprotect(kCpu0, process, pages[0], kPageSize, kProtectRead | kProtectWrite), Error::None);
    EXPECT_EQ(vm.mmap(kCpu1, process, kPageSize).error(), Error::NoMemory);
    for (unsigned i = 0; i < kEach; ++i) ASSERT_EQ(vm.munmap(kCpu1, process, pages[i], kPageSize), Error::None);
    EXPECT_EQ(charged(), kQuota - 1);
    for (const VirtualAddress page : pages) ASSERT_EQ(vm.munmap(kCpu0, process, page, kPageSize), Error::None);
    EXPECT_EQ(charged(), 0u);
}

TEST_F(RegionQuota, RefusesTheSplitThatItCannotPay) {
    const VirtualAddress whole = vm.mmap(kCpu1, process, 4 * kPageSize).release();
    std::vector<VirtualAddress> pages;
    map_many(pages, 10'000);
    ASSERT_EQ(charged(), kQuota);
    unsigned splits = 0;
    const VirtualAddress fixed{uint64_t{1} << 40};
    EXPECT_EQ(vm.mmap(kCpu1, process, kPageSize, kProtectRead, kMapAnonymous | kMapPrivate | kMapFixed, fixed).error(), Error::NoMemory);
    // CPU 1's slice has paid for one page of regions.
    for (uint64_t used = 1; used < kEach; ++used) ASSERT_TRUE(vm.mmap(kCpu1, process, kPageSize, kProtectNone).ok());
    splits += vm.munmap(kCpu1, process, whole + kPageSize, kPageSize) == Error::None ? 1u : 0u;
    splits += vm.mprotect(kCpu1, process, whole, kPageSize, kProtectRead) == Error::None ? 1u : 0u;
    splits += vm.mmap(kCpu1, process, kPageSize, kProtectRead, kMapAnonymous | kMapPrivate | kMapFixed, whole + kPageSize).ok() ? 1u : 0u;
    EXPECT_EQ(splits, 0u);
    EXPECT_EQ(vm.mmap(kCpu1, process, 4 * kPageSize, kProtectRead, kMapAnonymous | kMapPrivate | kMapFixed, whole).release(), whole);
    EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
}

// The request for all segments has been made by then.
TEST_F(RegionQuota, RefusesAFixedMapOverSegmentsThatItCannotPay) {
    constexpr auto kFixedMap = kMapAnonymous | kMapPrivate | kMapFixed;
    const VirtualAddress border = AddressLayout::kSlices;
    ASSERT_TRUE(vm.mmap(kCpu0, process, 6 * kPageSize, kProtectRead, kFixedMap, VirtualAddress{border.raw() - 4 * kPageSize}).ok());
    for (uint64_t used = 1; used < kEach; ++used)
        ASSERT_TRUE(vm.mmap(kCpu0, process, kPageSize, kProtectRead, kFixedMap, VirtualAddress{(uint64_t{1} << 40) + 2 * used * kPageSize}).ok());
    std::vector<VirtualAddress> pages;
    map_many(pages, 10'000);
    ASSERT_EQ(charged(), kQuota);
    const VirtualAddress over{border.raw() - 2 * kPageSize};
    EXPECT_EQ(vm.mmap(kCpu0, process, 3 * kPageSize, kProtectNone, kFixedMap, over).error(), Error::NoMemory);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
}

}  // namespace
}  // namespace shoal::vm::test
