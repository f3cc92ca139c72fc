// Kill: whom a process may end, and what the others hear of it.
#include "tests/unit/pm/pm_fixture.hpp"

namespace shoal::pm::test {
namespace {

class Kill : public Pm {
  protected:
    const Endpoint parent = spawn(kRs), child = spawn(parent), grandchild = spawn(child);
};

TEST_F(Kill, DescendantsOfAnyDepth) {
    EXPECT_EQ(kill(parent, grandchild), Error::None);
    EXPECT_FALSE(system.runs(grandchild));
    EXPECT_TRUE(system.runs(child));
    server.collect_stopped();
    EXPECT_EQ(wait(child, grandchild).child.status, kKilledStatus);
    EXPECT_EQ(kill(parent, child), Error::None);
    server.collect_stopped();
    EXPECT_EQ(wait(parent, child).child.status, kKilledStatus);
}

TEST_F(Kill, NobodyElse) {
    const Endpoint stranger = spawn(kRs), sibling = spawn(parent);
    for (const auto& [asker, target] :
         {std::pair{child, parent}, std::pair{child, child}, std::pair{child, sibling}, std::pair{grandchild, child},
          std::pair{stranger, child}, std::pair{parent, kRs}, std::pair{parent, kPm}, std::pair{parent, kAny},
          std::pair{parent, Endpoint::of(11, 400)}}) {
        EXPECT_EQ(kill(asker, target), Error::Permission);
    }
    for (const Endpoint unharmed : {parent, child, sibling}) EXPECT_TRUE(system.runs(unharmed));
}

// A second thread's endpoint is no process' name.
TEST_F(Kill, ProcessesOnlyByTheirName) {
    EXPECT_EQ(kill(parent, system.add_thread(child)), Error::Permission);
    EXPECT_TRUE(system.runs(child));
}

TEST_F(Kill, WhatIsEndingAlreadyKeepsItsStatus) {
    system.stop(child, 5);
    EXPECT_EQ(kill(parent, child), Error::None) << "it ended, as was asked";
    server.collect_stopped();
    EXPECT_EQ(wait(parent, child).child.status, 5);
}

TEST_F(Kill, ZombiesAreNobodysToKill) {
    end(child, 5);
    EXPECT_EQ(kill(parent, child), Error::Permission);
    EXPECT_EQ(wait(parent, child).child.status, 5);
}

TEST_F(Kill, OfAParentLeavesItsChildrenRunning) {
    EXPECT_EQ(kill(parent, child), Error::None);
    server.collect_stopped();
    EXPECT_TRUE(system.runs(grandchild));
    EXPECT_EQ(kill(parent, grandchild), Error::Permission) << "it is RS's now";
    EXPECT_EQ(kill(kRs, grandchild), Error::None);
}

}  // namespace
}  // namespace shoal::pm::test
