// The checker of the lock order is itself checked: each rule once kept, once broken.
#include <gtest/gtest.h>

#include "base/lock/guard.hpp"

namespace shoal {
namespace {

using Segment = SpinLock<VmRank::Segment>;
using Leaf = SpinLock<VmRank::Leaf>;
using Depot = SpinLock<VmRank::Depot>;

// Compile-time order: a guard can be made from a token of a lower rank only. (An inversion is a static_assert in the
// constructor's body; the test run compiles one and expects the message.)
void take_leaf(const Held<VmRank::Segment>& held, Leaf& leaf) {
    Guard guard{held, leaf};
    EXPECT_TRUE(leaf.held_by(held.context()));
}

TEST(LockOrder, RisingRanksNest) {
    LockContext worker{CpuId{3}};
    Segment segment;
    Leaf leaf;
    Depot depot;
    {
        Guard first{worker, segment};
        take_leaf(first.token(), leaf);
        Guard last{worker, depot};
        EXPECT_TRUE(worker.held().holds(rank_index(VmRank::Depot)) || !kCheckLockOrder);
    }
    EXPECT_TRUE(worker.held().none());
}

TEST(LockOrder, WordNamesItsOwner) {
    LockContext worker{CpuId{41}};
    Leaf leaf;
    EXPECT_EQ(leaf.owner_word(), 0u);
    {
        Guard guard{worker, leaf};
        EXPECT_EQ(leaf.owner_word(), 42u);
        LockContext other{CpuId{0}};
        EXPECT_FALSE(leaf.held_by(other));
        EXPECT_FALSE(leaf.try_lock(other));
    }
    EXPECT_EQ(leaf.owner_word(), 0u);
}

TEST(LockOrder, SameRankNestsByRisingKey) {
    LockContext worker{CpuId{0}};
    Leaf low, high;
    OrderedGuard first{worker, low, OrderKey::of_space(1, 0x200000)};
    OrderedGuard second{worker, high, OrderKey::of_space(2, 0)};
    EXPECT_TRUE(low.held_by(worker) && high.held_by(worker));
}

TEST(LockOrder, PairGuardTakesEitherOrder) {
    LockContext worker{CpuId{0}};
    Leaf locks[2];
    { PairGuard pair{worker, locks[0], locks[1]}; }
    { PairGuard pair{worker, locks[1], locks[0]}; }
    EXPECT_TRUE(worker.held().none());
}

TEST(LockOrder, ContextsAreIndependent) {
    LockContext one{CpuId{0}}, two{CpuId{1}};
    Segment segment;
    Leaf leaf;
    Guard a{one, leaf};
    Guard b{two, segment};
    EXPECT_TRUE(segment.held_by(two));
}

#ifndef NDEBUG

// Taken and not given back: the program is expected to die in here.
template <auto kRank>
void take(LockContext& context, SpinLock<kRank>& lock) NO_THREAD_SAFETY_ANALYSIS {
    lock.lock(context);
}
template <auto kRank>
void take(LockContext& context, SpinLock<kRank>& lock, OrderKey key) NO_THREAD_SAFETY_ANALYSIS {
    lock.lock_in_order(context, key);
}

class LockOrderDeathTest : public testing::Test {
  protected:
    LockContext worker{CpuId{0}};
    Segment segment;
    Leaf leaf, other_leaf;
    Depot depot;
};

TEST_F(LockOrderDeathTest, CatchesInversion) {
    Guard guard{worker, leaf};
    EXPECT_DEATH(take(worker, segment), "lock rank inversion");
}

// A checker that looks at the highest bit only would forget the leaf once the depot is released.
TEST_F(LockOrderDeathTest, CatchesInversionAfterHigherRankWasReleased) {
    Guard guard{worker, leaf};
    { Guard inner{worker, depot}; }
    EXPECT_DEATH(take(worker, segment), "lock rank inversion");
}

TEST_F(LockOrderDeathTest, CatchesSameRankWithoutKey) {
    Guard guard{worker, leaf};
    EXPECT_DEATH(take(worker, other_leaf), "lock rank inversion");
}

TEST_F(LockOrderDeathTest, CatchesFallingKeys) {
    OrderedGuard guard{worker, leaf, OrderKey::of_space(2, 0)};
    EXPECT_DEATH(take(worker, other_leaf, OrderKey::of_space(1, 0x7fff'ffff'f000)), "out of order");
}

TEST_F(LockOrderDeathTest, CatchesKeyAfterLoneLock) {
    Guard guard{worker, leaf};
    EXPECT_DEATH(take(worker, other_leaf, OrderKey::of_space(9)), "out of order");
}

TEST_F(LockOrderDeathTest, CatchesInversionInTryLock) {
    Guard guard{worker, leaf};
    EXPECT_DEATH((void)segment.try_lock(worker), "lock rank inversion");
}

TEST_F(LockOrderDeathTest, CatchesReleaseByAnother) {
    LockContext thief{CpuId{1}};
    Guard guard{worker, leaf};
    EXPECT_DEATH(leaf.unlock(thief), "held_by");
}

TEST_F(LockOrderDeathTest, CatchesPairOfOneLock) {
    EXPECT_DEATH({ PairGuard pair(worker, leaf, leaf); }, "out of order");
}

#endif

}  // namespace
}  // namespace shoal
