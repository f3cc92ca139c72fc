// Loading, tags, flushes, unlinks, destruction: nobody uses a stale translation after the flush is done.
#include <gtest/gtest.h>

#include "host_machine.hpp"

namespace shoal::kernel::space::test {

namespace {

class Flush : public ::testing::TestWithParam<Tags> {
  protected:
    Flush() {
        EXPECT_EQ(m.pool.adopt(m.host(0).locks, m.area(0), AreaOrigin::Boot), Error::None);
        table = m.frame();
        page = m.frame();
        other = m.frame();
        HostMachine::set(table, 0, page.raw() | kUserEntry);
        HostMachine::set(table, 1, page.raw() | kUserEntry);
        for (uint32_t cpu = 0; cpu < 2; ++cpu) {
            m.on(cpu).adopt_fixed(kVm, m.frame());
            EXPECT_EQ(m.on(cpu).link(process(1), kBase, table), Error::None);
        }
    }
    PhysicalAddress touch(uint32_t cpu) {
        m.play(cpu);
        m.on(cpu).load(kA);
        return m.host(cpu).tlb.translate(kBase, Access::Read);
    }
    void load(uint32_t cpu, SpaceSlot slot) {
        m.play(cpu);
        m.on(cpu).load(slot);
    }
    bool post(FlushKind kind, uint32_t pages = 1) {
        m.play(0);
        FlushBatch* batch = m.on(0).new_batch();
        EXPECT_NE(batch, nullptr);
        batch->kind = kind;
        batch->slot = kA;
        batch->count = 1;
        batch->ranges[0] = VirtualRange::of(kBase, pages * kPageSize);
        batch->done.message.words[1] = 77;
        return m.on(0).post(*batch, CpuSet::first(2));
    }
    HostMachine m{2, 4, GetParam(), 3};  // two tags to give out
    PhysicalAddress table, page, other;
};

TEST_P(Flush, WithoutAFlushTheModelShowsTheStaleTranslation) {
    ASSERT_EQ(touch(1), page);
    HostMachine::set(table, 0, other.raw() | kUserEntry);
    EXPECT_EQ(touch(1), page) << "else these tests could not fail";
}

TEST_P(Flush, ReachesACpuThatHasTheSpaceLoaded) {
    ASSERT_EQ(touch(1), page);
    HostMachine::set(table, 0, other.raw() | kUserEntry);
    EXPECT_FALSE(post(FlushKind::Flush));
    EXPECT_EQ(m.host(1).interrupts, 1u);
    m.interrupt(1);
    EXPECT_EQ(touch(1), other);
    m.interrupt(0);
    ASSERT_EQ(m.host(0).received.size(), 1u);
    EXPECT_EQ(m.host(0).received[0].words[1], 77u);
}

TEST_P(Flush, ManyPagesAreFlushedTogether) {
    ASSERT_EQ(touch(1), page);
    HostMachine::set(table, 0, other.raw() | kUserEntry);
    EXPECT_FALSE(post(FlushKind::Flush, 200));
    m.interrupt(1);
    EXPECT_EQ(touch(1), other);
}

// CPU 2, say, has marked CPU 1 and has not yet looked whether it uses the space, when CPU 1 serves a flush of another page
// and leaves the space: nothing but the mark says what CPU 1 still has to forget.
TEST_P(Flush, OfOtherPagesLeavesTheMarkOfAFlushThatIsBeingPosted) {
    ASSERT_EQ(touch(1), page);
    HostMachine::set(table, 0, other.raw() | kUserEntry);
    m.play(0);
    FlushBatch* batch = m.on(0).new_batch();
    ASSERT_NE(batch, nullptr);
    batch->slot = kA;
    batch->count = 1;
    batch->ranges[0] = VirtualRange::of(kBase + kPageSize, kPageSize);
    EXPECT_FALSE(m.on(0).post(*batch, CpuSet::first(2)));
    m.on(1).mark_stale(kA);
    m.interrupt(1);
    load(1, kVm);
    EXPECT_FALSE(m.on(1).uses(kA)) << "so nothing is posted";
    EXPECT_EQ(touch(1), other);
}

TEST_P(Flush, DoesNotInterruptACpuThatHasAnotherSpaceLoaded) {
    ASSERT_EQ(touch(1), page);
    load(1, kVm);
    HostMachine::set(table, 0, other.raw() | kUserEntry);
    EXPECT_TRUE(post(FlushKind::Flush));
    EXPECT_EQ(m.host(1).interrupts, 0u);
    EXPECT_EQ(touch(1), other);
}

TEST_P(Flush, InterruptsACpuThatVisitsTheSpace) {
    load(1, kVm);
    {
        Visit visit{m.on(1), 0, kA};
        EXPECT_FALSE(post(FlushKind::Flush));
        EXPECT_EQ(m.host(1).interrupts, 1u);
    }
    m.interrupt(1);
    m.interrupt(0);
    EXPECT_EQ(m.host(0).received.size(), 1u);
}

TEST_P(Flush, TheOwnCpuFlushesAtItsNextLoad) {
    ASSERT_EQ(touch(0), page);
    load(0, kVm);
    HostMachine::set(table, 0, other.raw() | kUserEntry);
    EXPECT_TRUE(post(FlushKind::Flush));
    EXPECT_EQ(touch(0), other);
}

TEST_P(Flush, ThePartnersSpaceIsFlushedOnRequest) {
    ASSERT_EQ(touch(0), page);
    load(0, kVm);
    HostMachine::set(table, 0, other.raw() | kUserEntry);
    m.on(0).flush_later(kA);
    EXPECT_EQ(touch(0), other);
}

TEST_P(Flush, OneInterruptServesManyBatches) {
    touch(1);
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(post(FlushKind::Flush));
    EXPECT_EQ(m.host(1).interrupts, 1u);
    m.interrupt(1);
    m.interrupt(0);
    EXPECT_EQ(m.host(0).received.size(), 5u);
}

TEST_P(Flush, BatchesRunOutAndComeBack) {
    touch(1);
    for (unsigned i = 0; i < BatchPool::kBatches; ++i) EXPECT_FALSE(post(FlushKind::Flush));
    EXPECT_EQ(m.on(0).new_batch(), nullptr);
    m.interrupt(1);
    EXPECT_EQ(m.on(0).new_batch(), nullptr) << "the worker has not received the completions";
    m.interrupt(0);
    EXPECT_NE(m.on(0).new_batch(), nullptr);
}

TEST_P(Flush, UnlinkTakesTheTableAwayEverywhere) {
    ASSERT_EQ(touch(1), page);
    EXPECT_FALSE(post(FlushKind::Unlink, 512));
    m.interrupt(1);
    EXPECT_EQ(touch(1).raw(), 0u);
    EXPECT_EQ(touch(0).raw(), 0u);
}

TEST_P(Flush, DestroyEvictsAndReturnsEveryTable) {
    touch(0);
    ASSERT_EQ(touch(1), page);
    const uint64_t held = m.on(0).stock().count() + m.on(1).stock().count();
    EXPECT_FALSE(post(FlushKind::Destroy));
    m.interrupt(1);
    EXPECT_TRUE(m.on(1).evicted());
    EXPECT_TRUE(m.on(0).evicted());
    EXPECT_EQ(m.on(0).stock().count() + m.on(1).stock().count(), held + 6);
    EXPECT_TRUE(m.spaces[1].holders.read().empty());
    for (uint32_t cpu = 0; cpu < 2; ++cpu) m.on(cpu).stock().drain();
    EXPECT_EQ(m.pool.free(), TablePool::kFramesPerArea);
}

TEST_P(Flush, RecycledTagsKeepNothingOfTheirFormerSpace) {
    const PhysicalAddress second = m.frame();
    HostMachine::set(second, 0, other.raw() | kUserEntry);
    for (uint32_t slot = 2; slot < 4; ++slot) ASSERT_EQ(m.on(0).link(process(slot), kBase, second), Error::None);
    for (int round = 0; round < 10; ++round) {
        ASSERT_EQ(touch(0), page) << "round " << round;
        for (uint32_t slot = 2; slot < 4; ++slot) {
            load(0, SpaceSlot{slot});
            ASSERT_EQ(m.host(0).tlb.translate(kBase, Access::Read), other) << "round " << round << " slot " << slot;
        }
    }
}

TEST_P(Flush, ASpaceWithoutARootGetsTheKernelsAlone) {
    touch(0);
    load(0, SpaceSlot{3});
    EXPECT_EQ(m.host(0).tlb.root().table.raw(), machine::kernel_root().table.raw());
    EXPECT_EQ(m.host(0).tlb.translate(kBase, Access::Read).raw(), 0u) << "its first instruction faults";
}

TEST_P(Flush, LoadingWhatIsLoadedCostsNothing) {
    touch(0);
    const uint64_t loads = m.host(0).tlb.loads;
    EXPECT_EQ(m.on(0).load(kA), CpuSpaces::Loaded::Unchanged);
    EXPECT_EQ(m.host(0).tlb.loads, loads);
}

INSTANTIATE_TEST_SUITE_P(Tags, Flush, ::testing::Values(Tags::Absent, Tags::Present),
                         [](const auto& test) { return test.param == Tags::Present ? "Tagged" : "Untagged"; });

}  // namespace

}  // namespace shoal::kernel::space::test
