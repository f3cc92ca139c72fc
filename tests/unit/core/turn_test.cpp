// The turn of a CPU's threads beside a worker that has work of its own.
#include "kernel/core/sched/turn.hpp"

#include "tests/unit/core/paged_test.hpp"

namespace shoal::test {
namespace {

class Turns : public PagedTest {
  protected:
    static constexpr uint64_t kWithWork = kNonBlocking | kGiveWay;

    Turns() { EXPECT_EQ(machine.trap(other, Trap::Receive, kNone), Error::DoNotReply); }
    void fault_again() { sequence_ = fault(program, kLeaf); }
    // The fault that the worker has received is served; flags: with which it asks for the next message.
    Error serve(uint64_t flags = kWithWork) {
        return machine.trap(worker[0], kResume | flags, program, Endpoint{static_cast<uint32_t>(sequence_)});
    }
    Error ask() { return machine.trap(worker[0], static_cast<uint64_t>(Trap::Receive) | kWithWork, kNone, kAny); }
    [[nodiscard]] bool runs(Endpoint who) { return machine.turn(CpuId{0}) == &FakeMachine::thread(who); }
    [[nodiscard]] bool goes_on() {
        return runs(worker[0]) && from_register(static_cast<int64_t>(FakeMachine::thread(worker[0]).registers.rax)) == Error::NotReady;
    }

  private:
    uint64_t sequence_ = 0;
};

TEST_F(Turns, AWorkerWithWorkGivesWayToWhomItHasServed) {
    fault_again();
    EXPECT_EQ(serve(), Error::DoNotReply);
    EXPECT_TRUE(runs(program));
    machine.advance(kernel::kTurn / 2);
    EXPECT_TRUE(runs(program));
    machine.advance(kernel::kTurn);
    EXPECT_TRUE(goes_on());
}

TEST_F(Turns, WithoutOthersItGoesOnAtOnce) {
    fault_again();  // the program is in its hands
    EXPECT_EQ(ask(), Error::NotReady);
}

TEST_F(Turns, ItEndsWhenNobodyIsLeft) {
    fault_again();
    EXPECT_EQ(serve(), Error::DoNotReply);
    EXPECT_EQ(machine.trap(program, Trap::Receive, kNone), Error::DoNotReply);
    EXPECT_TRUE(goes_on());
}

TEST_F(Turns, AFaultIsServedInItAndItGoesOnAfterwards) {
    fault_again();
    EXPECT_EQ(serve(), Error::DoNotReply);
    machine.advance(kernel::kTurn / 2);
    fault_again();
    EXPECT_TRUE(runs(worker[0]));
    EXPECT_EQ(serve(), Error::DoNotReply);
    EXPECT_TRUE(runs(program));
    machine.advance(kernel::kTurn / 2 + 1);
    EXPECT_TRUE(goes_on()) << "not a new one";
}

TEST_F(Turns, OneThatEndsWhileTheWorkerRunsIsOver) {
    fault_again();
    EXPECT_EQ(serve(), Error::DoNotReply);
    fault_again();
    machine.advance(2 * kernel::kTurn);
    EXPECT_TRUE(runs(worker[0]));
    EXPECT_EQ(serve(), Error::NotReady) << "first a step";
    EXPECT_EQ(ask(), Error::DoNotReply);
    EXPECT_TRUE(runs(program)) << "then a new one";
}

TEST_F(Turns, AMessageThatWaitsDoesNotBeginAnother) {
    const Endpoint third = machine.spawn(CpuId{0});
    fault_again();
    EXPECT_EQ(serve(), Error::DoNotReply);
    fault_again();
    const uint64_t next = fault(third, kLeaf);
    machine.advance(2 * kernel::kTurn);
    EXPECT_EQ(serve(), Error::None) << "the other fault";
    EXPECT_EQ(machine.trap(worker[0], kResume | kWithWork, third, Endpoint{static_cast<uint32_t>(next)}), Error::NotReady) << "first a step";
}

TEST_F(Turns, WorkThatCannotWaitHasNone) {
    fault_again();
    EXPECT_EQ(serve(kNonBlocking), Error::NotReady);
    EXPECT_TRUE(runs(worker[0]));
}

TEST_F(Turns, OthersAreRefusedAsEver) {
    EXPECT_EQ(machine.trap(program, static_cast<uint64_t>(Trap::Receive) | kWithWork, kNone, kAny), Error::NotReady);
}

}  // namespace
}  // namespace shoal::test
