// Orders of events around a leaf that is being detached or attached: whoever has looked before must notice afterwards.
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "tests/support/vm/harness.hpp"
#include "tests/support/vm/lock_stop.hpp"

namespace shoal::vm::test {
namespace {

constexpr uint64_t kAnyAccess = kProtectRead | kProtectWrite;

class DetachRace : public ::testing::Test {
  protected:
    void SetUp() override {
        for (uint64_t each = 0; each < 16; ++each) ASSERT_EQ(vm.write(kCpu0, process, page(1, each), each), Error::None);
    }
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }

    [[nodiscard]] VirtualAddress page(uint64_t leaf, uint64_t page) const { return at + leaf * kLeafSize + page * kPageSize; }
    Space& space() { return *vm.processes().find(process); }
    Segment& segment() { return *space().find_segment(at); }
    Leaf& leaf() { return *space().leaves.find(page(1, 0)); }
    Error unmap(CpuId cpu, VirtualAddress address, uint64_t pages = 1) { return vm.munmap(cpu, process, address, pages * kPageSize); }
    Error protect(CpuId cpu, VirtualAddress from, VirtualAddress to, uint64_t protection) {
        return vm.mprotect(cpu, process, from, to - from, protection);
    }
    // Whether a write there is refused, and why.
    Error write(VirtualAddress address) { return vm.write(kCpu2, process, address, 1); }
    // CPU 1 does it, and stops where it meets the lock.
    template <auto kRank>
    void begin(SpinLock<kRank>& lock, std::function<void()> what) {
        WorkerContext holder = vm.context(kCpu2);
        Guard guard(holder.locks(), lock);
        begun = std::thread(std::move(what));
        ASSERT_TRUE(stop.reached());
    }
    void end() {
        stop.release();
        begun.join();
    }

    Harness vm{{.cpus = 3}};
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress at = vm.mmap(kCpu0, process, 3 * kLeafSize).release();
    LockStop stop{kCpu1};
    std::thread begun;
    Error error = Error::Again;
};

TEST_F(DetachRace, WhoDetachesNoticesThatTheTreeHasChanged) {
    begin(leaf().lock, [this] { error = unmap(kCpu1, page(1, 8)); });
    EXPECT_EQ(protect(kCpu0, page(1, 4), page(2, 10), kProtectRead), Error::None);
    end();
    EXPECT_EQ(error, Error::None);
    EXPECT_EQ(write(page(1, 8)), Error::BadAddress);
    EXPECT_EQ(write(page(1, 9)), Error::AccessDenied);
    EXPECT_EQ(write(page(1, 3)), Error::None);
}

// The tree has one region again, and the leaf is yet to be visited. Two leaves: of more, their pages are counted first.
TEST_F(DetachRace, NoLeafIsDetachedWhileLeavesAreVisited) {
    ASSERT_EQ(protect(kCpu0, page(1, 0), page(2, 10), kProtectRead), Error::None);
    begin(leaf().lock, [this] { error = protect(kCpu1, page(1, 0), page(2, 10), kAnyAccess); });
    Error late = Error::Again;
    LockStop waits(kCpu0);
    std::thread later([&] { late = protect(kCpu0, page(1, 8), page(1, 9), kProtectNone); });
    EXPECT_TRUE(waits.reached());
    end();
    waits.release();
    later.join();
    EXPECT_EQ(error, Error::None);
    EXPECT_EQ(late, Error::None);
    EXPECT_EQ(write(page(1, 8)), Error::AccessDenied);
    EXPECT_EQ(write(page(1, 9)), Error::None);
}

TEST_F(DetachRace, WhoChangesTheTreeNoticesALeafDetachedAtItsEnd) {
    begin(segment().lock, [this] { error = protect(kCpu1, page(0, 4), page(1, 10), kProtectRead); });
    EXPECT_EQ(unmap(kCpu0, page(1, 2)), Error::None);
    end();
    EXPECT_EQ(error, Error::None);
    EXPECT_EQ(write(page(1, 2)), Error::BadAddress);
    EXPECT_EQ(write(page(1, 3)), Error::AccessDenied);
    EXPECT_EQ(write(page(1, 10)), Error::None);
}

TEST_F(DetachRace, AFaultThatHasLookedInTheTreeNoticesADetachedLeaf) {
    leaf().grant({});
    begin(leaf().lock, [this] { error = vm.write(kCpu1, process, page(1, 20), 1); });
    EXPECT_EQ(unmap(kCpu0, page(1, 20)), Error::None);
    EXPECT_TRUE(leaf().detached());
    end();
    EXPECT_EQ(error, Error::BadAddress);
}

TEST_F(DetachRace, AFaultThatWaitsForADetachedLeafNoticesThatItIsAttached) {
    ASSERT_EQ(unmap(kCpu0, page(1, 20)), Error::None);
    leaf().grant({});
    begin(leaf().lock, [this] { error = vm.write(kCpu1, process, page(1, 30), 1); });
    EXPECT_EQ(unmap(kCpu0, page(1, 0), 20), Error::None);
    EXPECT_EQ(unmap(kCpu0, page(1, 21), kPagesPerLeaf - 21), Error::None);
    EXPECT_FALSE(leaf().detached());
    end();
    EXPECT_EQ(error, Error::BadAddress);
}

TEST_F(DetachRace, ACallThatWaitsForADetachedLeafNoticesThatItIsAttached) {
    ASSERT_EQ(unmap(kCpu0, page(1, 20)), Error::None);
    begin(leaf().lock, [this] { error = unmap(kCpu1, page(1, 30)); });
    EXPECT_EQ(unmap(kCpu0, page(1, 0), kPagesPerLeaf), Error::None);
    EXPECT_FALSE(leaf().detached());
    ASSERT_TRUE(vm.mmap(kCpu0, process, kLeafSize, kAnyAccess, kMapAnonymous | kMapPrivate | kMapFixed, page(1, 0)).ok());
    end();
    EXPECT_EQ(error, Error::None);
    EXPECT_EQ(write(page(1, 30)), Error::BadAddress);
    EXPECT_EQ(write(page(1, 31)), Error::None);
}

}  // namespace
}  // namespace shoal::vm::test
