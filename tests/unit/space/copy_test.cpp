// The one routine that touches user memory.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "host_machine.hpp"
#include "kernel/core/space/user_copy.hpp"

namespace shoal::kernel::space::test {

namespace {

class Copy : public ::testing::Test {
  protected:
    Copy() {
        EXPECT_EQ(m.pool.adopt(m.host(0).locks, m.area(0), AreaOrigin::Boot), Error::None);
        table_a = space(kA, 8, PageEntry::kWritable);
        table_b = space(kB, 8, PageEntry::kWritable);
    }
    // Pages in order, frames in descending order: neighbours in user space are none in memory.
    PhysicalAddress space(SpaceSlot slot, unsigned pages, uint64_t rights) {
        const PhysicalAddress table = m.frame();
        for (unsigned i = pages; i-- > 0;) HostMachine::set(table, i, m.frame().raw() | kUserEntry | rights);
        EXPECT_EQ(m.on(0).link(process(slot.raw()), kBase, table), Error::None);
        return table;
    }
    CopyResult run(CopyEnd to, CopyEnd from, uint64_t bytes, unsigned pieces = kUnlimitedPieces) {
        return copy(m.on(0), to, from, bytes, pieces);
    }
    HostMachine m{1, 4, Tags::Present};
    PhysicalAddress table_a, table_b;
};

TEST_F(Copy, CrossesPagesAtUnequalOffsets) {
    std::vector<uint8_t> in(20'000), out(20'000);
    std::iota(in.begin(), in.end(), uint8_t{1});
    const auto a = CopyEnd::user(kA, kBase + 100), b = CopyEnd::user(kB, kBase + 3000);
    EXPECT_EQ(run(a, CopyEnd::kernel(in.data()), in.size()).bytes, in.size());
    EXPECT_EQ(run(b, a, in.size()).outcome, CopyResult::Outcome::Copied);
    EXPECT_EQ(run(CopyEnd::kernel(out.data()), b, out.size()).outcome, CopyResult::Outcome::Copied);
    EXPECT_EQ(in, out);
}

TEST_F(Copy, NamesSideAddressAndProgressOfWhatIsAbsent) {
    HostMachine::set(table_a, 2, 0);
    CopyResult result = run(CopyEnd::user(kB, kBase), CopyEnd::user(kA, kBase), 5 * kPageSize);
    EXPECT_EQ(result.outcome, CopyResult::Outcome::Absent);
    EXPECT_EQ(result.bytes, 2 * kPageSize);
    EXPECT_EQ(result.side, Side::Source);
    EXPECT_EQ(result.address, kBase + 2 * kPageSize);
    EXPECT_EQ(result.fault_flags, kFaultUser);
    result = run(CopyEnd::user(kA, kBase + 8), CopyEnd::user(kB, kBase), 5 * kPageSize);
    EXPECT_EQ(result.side, Side::Destination);
    EXPECT_EQ(result.address, kBase + 2 * kPageSize);
    EXPECT_EQ(result.fault_flags, kFaultUser | kFaultWrite);
}

TEST_F(Copy, AsksVmBeforeItWritesAReadOnlyPage) {
    HostMachine::set(table_a, 0, m.frame().raw() | kUserEntry);
    const uint64_t value = 7;
    const CopyResult result = run(CopyEnd::user(kA, kBase), CopyEnd::kernel(&value), 8);
    EXPECT_EQ(result.outcome, CopyResult::Outcome::Absent);
    EXPECT_EQ(result.fault_flags, kFaultPresent | kFaultWrite | kFaultUser);
}

TEST_F(Copy, RefusesAddressesThatAreNoUsersAndLengthsThatWrap) {
    uint64_t value = 0;
    const auto refused = [&](VirtualAddress at, uint64_t bytes) {
        return run(CopyEnd::kernel(&value), CopyEnd::user(kA, at), bytes).outcome == CopyResult::Outcome::Violation &&
               run(CopyEnd::user(kA, at), CopyEnd::kernel(&value), bytes).outcome == CopyResult::Outcome::Violation;
    };
    EXPECT_TRUE(refused(VirtualAddress{0xffff'8000'0000'0000}, 8));
    EXPECT_TRUE(refused(VirtualAddress{kUserTop - 4}, 8));
    EXPECT_TRUE(refused(VirtualAddress{~uint64_t{0} - 3}, 8));
    EXPECT_TRUE(refused(kBase, ~uint64_t{0} - 8));
    EXPECT_EQ(value, 0u);
}

TEST_F(Copy, PausesAfterItsPiecesAndCopiesNothingOfNothing) {
    std::vector<uint8_t> out(4 * kPageSize);
    const CopyResult result = run(CopyEnd::kernel(out.data()), CopyEnd::user(kA, kBase), out.size(), 3);
    EXPECT_EQ(result.outcome, CopyResult::Outcome::Paused);
    EXPECT_EQ(result.bytes, 3 * kPageSize);
    EXPECT_EQ(run(CopyEnd::kernel(out.data()), CopyEnd::user(kA, kBase), 0, 0).outcome, CopyResult::Outcome::Copied);
}

TEST_F(Copy, ASpaceWithoutTablesHereIsAbsent) {
    uint64_t value = 0;
    EXPECT_EQ(run(CopyEnd::kernel(&value), CopyEnd::user(SpaceSlot{3}, kBase), 8).outcome, CopyResult::Outcome::Absent);
}

}  // namespace

}  // namespace shoal::kernel::space::test
