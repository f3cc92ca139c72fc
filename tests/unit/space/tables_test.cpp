// Areas, magazines, upper tables: what is linked is found, what fails changes nothing, what is freed comes back.
#include <gtest/gtest.h>

#include "host_machine.hpp"
#include "kernel/core/space/upper_tables.hpp"

namespace shoal::kernel::space::test {

namespace {

constexpr VirtualAddress kLeaf{0x1234'5660'0000};

TEST(TablePool, RefusesUnalignedAreas) {
    HostMachine m{1, 4, Tags::Present};
    EXPECT_EQ(m.pool.adopt(m.host(0).locks, m.area(0) + kPageSize, AreaOrigin::Lent), Error::Invalid);
    EXPECT_EQ(m.pool.adopt(m.host(0).locks, PhysicalAddress{0}, AreaOrigin::Lent), Error::Invalid);
    EXPECT_EQ(m.pool.areas(), 0u);
}

TEST(TablePool, GivesBackOnlyLentAreasThatAreWhole) {
    HostMachine m{1, 4, Tags::Present};
    LockContext& locks = m.host(0).locks;
    ASSERT_EQ(m.pool.adopt(locks, m.area(0), AreaOrigin::Boot), Error::None);
    EXPECT_EQ(m.pool.reclaim(locks).error(), Error::NoEntry);
    ASSERT_EQ(m.pool.adopt(locks, m.area(1), AreaOrigin::Lent), Error::None);
    PhysicalAddress frame;
    ASSERT_EQ(m.pool.take(locks, &frame, 1), 1u);
    EXPECT_EQ(m.pool.reclaim(locks).error(), Error::NoEntry) << "one of its frames is out";
    m.pool.give(locks, &frame, 1);
    auto area = m.pool.reclaim(locks);
    ASSERT_TRUE(area.ok());
    EXPECT_EQ(area.value(), m.area(1));
    EXPECT_EQ(m.pool.free(), TablePool::kFramesPerArea);
}

TEST(TablePool, HandsOutEachFrameOnceAndKeepsItsBooks) {
    HostMachine m{1, 4, Tags::Present};
    ASSERT_EQ(m.pool.adopt(m.host(0).locks, m.area(0), AreaOrigin::Lent), Error::None);
    std::vector<PhysicalAddress> frames(600);
    ASSERT_EQ(m.pool.take(m.host(0).locks, frames.data(), 600), TablePool::kFramesPerArea);
    frames.resize(TablePool::kFramesPerArea);
    std::sort(frames.begin(), frames.end());
    EXPECT_EQ(std::unique(frames.begin(), frames.end()), frames.end());
    EXPECT_EQ(frames.front(), m.area(0) + kPageSize) << "the first frame holds the books";
}

TEST(TableStock, TellsWhenItIsLowAndWhenNoMore) {
    HostMachine m{1, 4, Tags::Present};
    TableStock& stock = m.on(0).stock();
    EXPECT_FALSE(stock.reserve(1));
    EXPECT_TRUE(stock.low());
    ASSERT_EQ(m.pool.adopt(m.host(0).locks, m.area(0), AreaOrigin::Lent), Error::None);
    EXPECT_FALSE(stock.low());
    ASSERT_TRUE(stock.reserve(3));
    const PhysicalAddress table = stock.take();
    for (unsigned i = 0; i < 512; ++i) ASSERT_FALSE(PageTable::at(table).load(i).present());
    stock.give(table);
    stock.drain();
    EXPECT_EQ(m.pool.free(), TablePool::kFramesPerArea);
}

TEST(Link, FailsWithoutEffectWhenTheStockIsEmpty) {
    HostMachine m{1, 4, Tags::Present};
    EXPECT_EQ(m.on(0).link(process(3), kLeaf, m.frame()), Error::NoMemory);
    EXPECT_EQ(m.on(0).root(SpaceSlot{3}).raw(), 0u);
    EXPECT_TRUE(m.spaces[3].holders.read().empty());
}

TEST(Link, RefusesWhatIsNoTableOrNoUserAddress) {
    HostMachine m{1, 4, Tags::Present};
    ASSERT_EQ(m.pool.adopt(m.host(0).locks, m.area(0), AreaOrigin::Lent), Error::None);
    const PhysicalAddress table = m.frame();
    EXPECT_EQ(m.on(0).link(process(3), kLeaf + kPageSize, table), Error::Invalid);
    EXPECT_EQ(m.on(0).link(process(3), VirtualAddress{uint64_t{1} << 47}, table), Error::Invalid);
    EXPECT_EQ(m.on(0).link(process(3), kLeaf, table + 8), Error::Invalid);
    EXPECT_EQ(m.on(0).link(process(3), kLeaf, PhysicalAddress{0}), Error::Invalid);
    m.on(0).adopt_fixed(SpaceSlot{0}, m.frame());
    EXPECT_EQ(m.on(0).link(process(0), kLeaf, table), Error::Invalid) << "VM's own space is fixed";
    EXPECT_EQ(m.on(0).root(SpaceSlot{3}).raw(), 0u);
}

TEST(Link, MakesPagesReachableOnThisCpuAlone) {
    HostMachine m{2, 4, Tags::Present};
    ASSERT_EQ(m.pool.adopt(m.host(0).locks, m.area(0), AreaOrigin::Lent), Error::None);
    const PhysicalAddress table = m.frame(), page = m.frame();
    HostMachine::set(table, 5, page.raw() | kUserEntry);
    ASSERT_EQ(m.on(0).link(process(3), kLeaf, table), Error::None);
    ASSERT_EQ(m.on(0).link(process(3), kLeaf, table), Error::None) << "again is fine";
    EXPECT_EQ(m.on(0).link(process(3), kLeaf, m.frame()), Error::Busy);
    const VirtualAddress address = kLeaf + 5 * kPageSize + 7;
    EXPECT_EQ(walk(m.on(0).root(SpaceSlot{3}), address, Access::Read).address, page + 7);
    EXPECT_EQ(walk(m.on(1).root(SpaceSlot{3}), address, Access::Read).outcome, Translation::Outcome::Absent);
    EXPECT_TRUE(m.spaces[3].holders.contains(CpuId{0}));
    EXPECT_FALSE(m.spaces[3].holders.contains(CpuId{1}));
}

TEST(Link, RefusesASpaceThatHasBeenClosed) {
    HostMachine m{1, 4, Tags::Present};
    ASSERT_EQ(m.pool.adopt(m.host(0).locks, m.area(0), AreaOrigin::Lent), Error::None);
    m.spaces[3].closed.store(process(3, 1).raw());
    EXPECT_EQ(m.on(0).link(process(3, 1), kLeaf, m.frame()), Error::NoProcess);
    EXPECT_TRUE(m.spaces[3].holders.read().empty());
    EXPECT_EQ(m.on(0).link(process(3, 2), kLeaf, m.frame()), Error::None) << "its successor in the slot";
}

TEST(Unlink, RemovesTheLinksOfARangeAndSkipsHoles) {
    HostMachine m{1, 4, Tags::Present};
    ASSERT_EQ(m.pool.adopt(m.host(0).locks, m.area(0), AreaOrigin::Lent), Error::None);
    const PhysicalAddress table = m.frame();
    HostMachine::set(table, 0, m.frame().raw() | kUserEntry);
    const VirtualAddress first{kLeafSize}, far{uint64_t{100} << 39};
    for (const VirtualAddress at : {first, first + kLeafSize, far}) ASSERT_EQ(m.on(0).link(process(3), at, table), Error::None);
    const PhysicalAddress root = m.on(0).root(SpaceSlot{3});
    UpperTables{root, m.on(0).stock()}.unlink({first, first + kLeafSize});
    EXPECT_EQ(walk(root, first, Access::Read).outcome, Translation::Outcome::Absent);
    EXPECT_EQ(walk(root, first + kLeafSize, Access::Read).outcome, Translation::Outcome::Mapped);
    UpperTables{root, m.on(0).stock()}.unlink({VirtualAddress{0}, VirtualAddress{kUserTop}});
    EXPECT_EQ(walk(root, far, Access::Read).outcome, Translation::Outcome::Absent);
}

TEST(Walk, ChecksEveryLevel) {
    HostMachine m{1, 4, Tags::Present};
    ASSERT_EQ(m.pool.adopt(m.host(0).locks, m.area(0), AreaOrigin::Lent), Error::None);
    const PhysicalAddress table = m.frame();
    ASSERT_EQ(m.on(0).link(process(3), kLeaf, table), Error::None);
    const PhysicalAddress root = m.on(0).root(SpaceSlot{3});
    HostMachine::set(table, 0, m.frame().raw() | PageEntry::kPresent | PageEntry::kWritable);
    HostMachine::set(table, 1, m.frame().raw() | kUserEntry);
    EXPECT_EQ(walk(root, kLeaf, Access::Read).outcome, Translation::Outcome::Violation) << "a kernel page";
    HostMachine::set(table, 3, m.frame().raw() | kUserEntry | kDevicePageBit);
    EXPECT_EQ(walk(root, kLeaf + 3 * kPageSize, Access::Read).outcome, Translation::Outcome::Violation) << "a device's page";
    const Translation write = walk(root, kLeaf + kPageSize, Access::Write);
    EXPECT_EQ(write.outcome, Translation::Outcome::Absent);
    EXPECT_EQ(write.fault_flags, kFaultPresent | kFaultWrite | kFaultUser) << "copy on write is VM's to decide";
    EXPECT_EQ(walk(root, kLeaf + 2 * kPageSize, Access::Write).fault_flags, kFaultWrite | kFaultUser);
    EXPECT_EQ(walk(root, VirtualAddress{kUserTop}, Access::Read).outcome, Translation::Outcome::Violation);
    EXPECT_EQ(walk(root, VirtualAddress{~uint64_t{0}}, Access::Read).outcome, Translation::Outcome::Violation);
    EXPECT_EQ(walk(PhysicalAddress{0}, kLeaf, Access::Read).outcome, Translation::Outcome::Absent);
}

TEST(Walk, FollowsLargePages) {
    HostMachine m{1, 4, Tags::Present};
    const PhysicalAddress top = m.frame(), pointers = m.frame(), directory = m.frame();
    HostMachine::set(top, 0, pointers.raw() | 7);
    HostMachine::set(pointers, 0, directory.raw() | 7);
    HostMachine::set(directory, 3, m.area(2).raw() | PageEntry::kLarge | kUserEntry | 1 << 12);
    const Translation found = walk(top, VirtualAddress{3 * kLeafSize + 0x12345}, Access::Read);
    EXPECT_EQ(found.outcome, Translation::Outcome::Mapped);
    EXPECT_EQ(found.address, m.area(2) + 0x12345) << "bit 12 is the PAT bit, no address";
    EXPECT_EQ(walk(top, VirtualAddress{3 * kLeafSize}, Access::Write).fault_flags, kFaultPresent | kFaultWrite | kFaultUser);
}

}  // namespace

}  // namespace shoal::kernel::space::test
