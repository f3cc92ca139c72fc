// A step of long work is bounded, so that a fault on its CPU does not wait long: pages that it takes away, shares, copies or frees.
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "servers/vm/calls/range_operation.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr VirtualAddress kStart{AddressLayout::kCommonMaps.raw() + (uint64_t{1} << 40)};
constexpr uint64_t kPlaced = kMapPrivate | kMapAnonymous | kMapFixed, kMost = RangeOperation::kMostPagesAtOnce;

class LongStep : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }
    void fill(unsigned leaves) {
        ASSERT_TRUE(vm.mmap(kCpu0, process, leaves * kLeafSize, kProtectRead | kProtectWrite, kPlaced | kMapPopulate, kStart).ok());
        ASSERT_EQ(resident(process), leaves * kPagesPerLeaf);
    }
    uint64_t resident(ProcessId of) {
        uint64_t pages = 0;
        vm.processes().find(of)->leaves.for_each_in(Space::everything(), [&](const Leaf& leaf) { pages += leaf.resident; });
        return pages;
    }
    // By how much the count changes in one step at most, from the call to its answer.
    template <typename Count>
    uint64_t longest_step(VmCall number, const Message& arguments, Count count) {
        uint64_t longest = 0, before = count();
        const auto note = [&] {
            const uint64_t now = count();
            longest = std::max(longest, now > before ? now - before : before - now);
            before = now;
        };
        const Harness::Pending call = vm.begin_call(kCpu0, process, number, arguments);
        note();
        for (; !call.answered(); ++steps) {
            for (const CpuId cpu : {kCpu0, kCpu1}) {
                std::lock_guard turn(vm.machine.turn(cpu));
                vm.pump(cpu);
            }
            note();
        }
        EXPECT_EQ(call.answer().outcome(), Error::None);
        return longest;
    }
    uint64_t longest_of_range(VmCall number, uint64_t leaves, uint64_t more = 0) {
        return longest_step(number, {{0, kStart.raw(), leaves * kLeafSize, more}}, [&] { return resident(process); });
    }

    Harness vm{{.cpus = 2, .bytes = 96 << 20}};
    const ProcessId process = vm.create(kCpu0);
    unsigned steps = 0;
};

TEST_F(LongStep, OfAnUnmapping) {
    fill(9);
    EXPECT_LE(longest_of_range(VmCall::Munmap, 9), kMost);
    EXPECT_EQ(resident(process), 0u);
}

TEST_F(LongStep, OfADiscarding) {
    fill(9);
    EXPECT_LE(longest_of_range(VmCall::Madvise, 9, kAdviseDontNeed), kMost);
    EXPECT_EQ(resident(process), 0u);
}

// So few leaves are changed in one go only if they hold no more pages than that.
TEST_F(LongStep, OfAFewFullLeaves) {
    fill(RangeOperation::kMostLeavesAtOnce);
    EXPECT_LE(longest_of_range(VmCall::Munmap, RangeOperation::kMostLeavesAtOnce), kMost);
    EXPECT_EQ(resident(process), 0u);
}

TEST_F(LongStep, AFewLeavesWithAFewPagesTakeOne) {
    constexpr uint64_t kLeaves = RangeOperation::kMostLeavesAtOnce;
    ASSERT_TRUE(vm.mmap(kCpu0, process, kLeaves * kLeafSize, kProtectRead | kProtectWrite, kPlaced, kStart).ok());
    for (uint64_t i = 0; i < kLeaves; ++i) ASSERT_EQ(vm.write(kCpu0, process, kStart + i * kLeafSize, 1), Error::None);
    EXPECT_EQ(longest_of_range(VmCall::Munmap, kLeaves), kLeaves);
    EXPECT_EQ(steps, 0u);
}

TEST_F(LongStep, OfAForkAndOfAnEnd) {
    fill(9);
    const ProcessId copy = vm.create(kCpu0);
    EXPECT_LE(longest_step(VmCall::Fork, {{0, process.raw(), copy.raw()}}, [&] { return resident(copy); }), kMost);
    EXPECT_EQ(resident(copy), 9 * kPagesPerLeaf);
    EXPECT_EQ(vm.exit(kCpu0, copy), Error::None);
    ASSERT_EQ(vm.willexit(kCpu0, process), Error::None);
    const auto frames = [&] { return vm.arena().frames_in_use(); };
    EXPECT_LE(longest_step(VmCall::Exit, {{0, process.raw()}}, frames), kMost + kMost / 8) << "tables and objects are of it";
}

// The contents of pinned pages are copied by the fork itself.
TEST_F(LongStep, OfAForkThatCopiesContents) {
    constexpr uint64_t kPinned = kMapPrivate | kMapAnonymous | kMapPopulate | kMapContiguous;
    ASSERT_TRUE(vm.mmap(kCpu0, process, 400 * kPageSize, kProtectRead | kProtectWrite, kPinned).ok());
    const ProcessId copy = vm.create(kCpu0);
    EXPECT_LE(longest_step(VmCall::Fork, {{0, process.raw(), copy.raw()}}, [&] { return resident(copy); }), kMost / 8);
    EXPECT_EQ(resident(copy), 400u);
}

TEST_F(LongStep, OfAnEndWithManyRegions) {
    constexpr unsigned kRegions = 1500;
    for (unsigned i = 0; i < kRegions; ++i)
        ASSERT_TRUE(vm.mmap(kCpu0, process, kPageSize, i % 2 == 0 ? kProtectRead | kProtectWrite : uint64_t{kProtectRead}).ok());
    ASSERT_EQ(vm.willexit(kCpu0, process), Error::None);
    const auto regions = [&] { return static_cast<uint64_t>(vm.arena().worker(0).slabs.live(SlabType::Region)); };
    ASSERT_GE(regions(), kRegions);
    EXPECT_LE(longest_step(VmCall::Exit, {{0, process.raw()}}, regions), kMost / 4);
}

}  // namespace
}  // namespace shoal::vm::test
