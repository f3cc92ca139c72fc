// Sleepers on a word in the moments between: a wake and a time-out, a move and a death that meet; alarms; affinity.
#include <gtest/gtest.h>

#include <cstring>

#include "abi/kernel_call_numbers.hpp"
#include "abi/kernel_info.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/death.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

using kernel::ThreadState;

// Two threads of one process, on CPU 0 and CPU 1.
class Sleepers : public ::testing::Test {
  protected:
    static constexpr CpuId kA{0}, kB{1}, kC{2};

    Sleepers() {
        sleeper = machine.spawn(kA);
        Message create = arguments({0x1000, 0x2000, 0, 0, kB.raw()});
        EXPECT_EQ(machine.call(sleeper, static_cast<uint64_t>(KernelCall::ThreadCreate), create), Error::None);
        waker = Endpoint{static_cast<uint32_t>(create.words[1])};
        const uint32_t word = 5;
        std::memcpy(plain_space::memory(kernel::slot_of(*thread(sleeper).process)), &word, sizeof(word));
    }
    static Message arguments(std::initializer_list<uint64_t> words) {
        Message message;
        std::copy(words.begin(), words.end(), message.words + 1);
        return message;
    }
    static kernel::Thread& thread(Endpoint who) { return FakeMachine::thread(who); }
    Error call(Endpoint who, KernelCall what, std::initializer_list<uint64_t> words) {
        result = arguments(words);
        return machine.call(who, static_cast<uint64_t>(what), result);
    }
    // The call alone: no CPU looks into its mailbox.
    void enter(Endpoint who, KernelCall what, std::initializer_list<uint64_t> words) {
        machine.enter_call(who, static_cast<uint64_t>(what), arguments(words));
    }
    Error sleep(uint64_t timeout = 0) { return call(sleeper, KernelCall::WaitOnAddress, {plain_space::kBase, 5, timeout}); }
    void wake_unnoticed() { enter(waker, KernelCall::WakeAddress, {plain_space::kBase, 1}); }
    void kill() {
        FakeMachine::become(kB);
        ASSERT_EQ(kernel::kill_process(kernel::tables.cpus[1], *thread(sleeper).process, 1), Error::None);
    }
    bool notified_by_clock(Endpoint who) {
        const Error polled = machine.trap(who, static_cast<uint64_t>(Trap::Receive) | kNonBlocking, kNone, kAny);
        return polled == Error::None && thread(who).registers.message().source() == kClock;
    }
    uint64_t now() {
        EXPECT_EQ(call(waker, KernelCall::Clock, {}), Error::None);
        return result.words[1];
    }
    FakeMachine machine{3};
    Endpoint sleeper, waker;
    Message result;
};

// Whoever takes the sleeper out of its bucket decides: here the waker, whose mail is still on its way when the time is up.
TEST_F(Sleepers, AWakeOnItsWayBeatsTheTimeOut) {
    ASSERT_EQ(sleep(1000), Error::DoNotReply);
    wake_unnoticed();
    EXPECT_EQ(thread(waker).registers.message().words[1], 1u);
    EXPECT_EQ(thread(sleeper).state, ThreadState::Sleeping);
    machine.advance(2000);
    EXPECT_FALSE(FakeMachine::waits(sleeper));
    EXPECT_EQ(FakeMachine::outcome(sleeper), Error::None);
}

TEST_F(Sleepers, ATimeOutLeavesNothingToWake) {
    ASSERT_EQ(sleep(1000), Error::DoNotReply);
    machine.advance(2000);
    EXPECT_EQ(FakeMachine::outcome(sleeper), Error::TimedOut);
    wake_unnoticed();
    EXPECT_EQ(thread(waker).registers.message().words[1], 0u);
    ASSERT_EQ(sleep(), Error::DoNotReply) << "and the next sleep is not cut short";
    machine.advance(5000);
    EXPECT_TRUE(FakeMachine::waits(sleeper));
}

TEST_F(Sleepers, AWakeCancelsTheTimeOut) {
    ASSERT_EQ(sleep(1000), Error::DoNotReply);
    wake_unnoticed();
    machine.settle();
    ASSERT_EQ(sleep(), Error::DoNotReply);
    machine.advance(5000);
    EXPECT_TRUE(FakeMachine::waits(sleeper)) << "the time-out of the sleep before";
}

TEST_F(Sleepers, ATimeOutBeyondTheEndOfTimeIsNone) {
    machine.advance(1'000'000);
    for (const uint64_t timeout : {~uint64_t{0}, ~uint64_t{0} - 10}) {
        ASSERT_EQ(sleep(timeout), Error::DoNotReply);
        machine.advance(1'000'000);
        EXPECT_TRUE(FakeMachine::waits(sleeper));
        wake_unnoticed();
        machine.settle();
        EXPECT_EQ(FakeMachine::outcome(sleeper), Error::None);
    }
}

TEST_F(Sleepers, WakeInOrderOfArrivalAndNoMoreThanAsked) {
    Endpoint more[3];
    for (Endpoint& each : more) {
        ASSERT_EQ(call(waker, KernelCall::ThreadCreate, {0x1000, 0x2000, 0, 0, kC.raw()}), Error::None);
        each = Endpoint{static_cast<uint32_t>(result.words[1])};
        ASSERT_EQ(call(each, KernelCall::WaitOnAddress, {plain_space::kBase, 5, 0}), Error::DoNotReply);
    }
    ASSERT_EQ(call(waker, KernelCall::WakeAddress, {plain_space::kBase, 0}), Error::None);
    EXPECT_EQ(result.words[1], 0u);
    ASSERT_EQ(call(waker, KernelCall::WakeAddress, {plain_space::kBase, 2}), Error::None);
    EXPECT_EQ(result.words[1], 2u);
    EXPECT_FALSE(FakeMachine::waits(more[0]));
    EXPECT_FALSE(FakeMachine::waits(more[1]));
    EXPECT_TRUE(FakeMachine::waits(more[2]));
}

TEST_F(Sleepers, AnotherProcessOrAnotherWordWakesNobody) {
    ASSERT_EQ(sleep(), Error::DoNotReply);
    ASSERT_EQ(call(waker, KernelCall::WakeAddress, {plain_space::kBase + 4, 9}), Error::None);
    EXPECT_EQ(result.words[1], 0u);
    const Endpoint stranger = machine.spawn(kB);
    ASSERT_EQ(call(stranger, KernelCall::WakeAddress, {plain_space::kBase, 9}), Error::None);
    EXPECT_EQ(result.words[1], 0u);
    EXPECT_TRUE(FakeMachine::waits(sleeper));
}

TEST_F(Sleepers, DeathTakesThemOutOfTheBucket) {
    ASSERT_EQ(sleep(1000), Error::DoNotReply);
    kill();
    machine.settle();
    EXPECT_EQ(thread(sleeper).state, ThreadState::Dead);
    EXPECT_FALSE(thread(sleeper).timeout.armed());
    EXPECT_EQ(thread(sleeper).nodes_out, 0u);
    EXPECT_EQ(thread(sleeper).process->state.load(), kernel::ProcessState::Stopped);
}

// The slot waits for the wake node, which is in a mailbox.
TEST_F(Sleepers, DeathWithTheWakeOnItsWay) {
    ASSERT_EQ(sleep(1000), Error::DoNotReply);
    kill();  // Stop lies before the wake in CPU A's mailbox
    ASSERT_EQ(kernel::machine::this_cpu().id, kB);
    kernel::Cpu& here = kernel::tables.cpus[1];
    ASSERT_EQ(here.current, &thread(waker));
    wake_unnoticed();
    machine.turn(kA);
    EXPECT_EQ(thread(sleeper).state, ThreadState::Dead);
    EXPECT_EQ(thread(sleeper).nodes_out, 0u);
    machine.settle();
    EXPECT_EQ(thread(sleeper).process->state.load(), kernel::ProcessState::Stopped);
}

TEST_F(Sleepers, WithANewAffinityTheyMoveWhenWoken) {
    ASSERT_EQ(sleep(), Error::DoNotReply);
    ASSERT_EQ(call(waker, KernelCall::ThreadAffinity, {sleeper.raw(), kC.raw()}), Error::None);
    EXPECT_EQ(thread(sleeper).home_cpu(), kA);
    EXPECT_TRUE(FakeMachine::waits(sleeper));
    wake_unnoticed();
    machine.settle();
    EXPECT_EQ(thread(sleeper).home_cpu(), kC);
    EXPECT_EQ(FakeMachine::outcome(sleeper), Error::None);
    EXPECT_EQ(machine.turn(kC), &thread(sleeper));
}

TEST_F(Sleepers, WithANewAffinityTheyMoveWhenTheirTimeIsUp) {
    ASSERT_EQ(sleep(1000), Error::DoNotReply);
    ASSERT_EQ(call(waker, KernelCall::ThreadAffinity, {sleeper.raw(), kC.raw()}), Error::None);
    machine.advance(2000);
    EXPECT_EQ(thread(sleeper).home_cpu(), kC);
    EXPECT_EQ(FakeMachine::outcome(sleeper), Error::TimedOut);
}

TEST_F(Sleepers, AnAffinityTakenBackLeavesThemWhereTheyAre) {
    ASSERT_EQ(sleep(), Error::DoNotReply);
    ASSERT_EQ(call(waker, KernelCall::ThreadAffinity, {sleeper.raw(), kC.raw()}), Error::None);
    ASSERT_EQ(call(waker, KernelCall::ThreadAffinity, {sleeper.raw(), kAnyCpu}), Error::None);
    wake_unnoticed();
    machine.settle();
    EXPECT_EQ(thread(sleeper).home_cpu(), kA);
}

// It is the sleeper's CPU that moves it; the caller hears only then, and no instruction of it runs in between.
TEST_F(Sleepers, AffinityOfARunningThreadElsewhereHoldsWhenTheCallReturns) {
    enter(waker, KernelCall::ThreadAffinity, {sleeper.raw(), kC.raw()});
    EXPECT_TRUE(FakeMachine::waits(waker));
    EXPECT_NE(machine.turn(kA), &thread(sleeper));
    EXPECT_EQ(thread(sleeper).home_cpu(), kC);
    machine.settle();
    EXPECT_EQ(FakeMachine::outcome(waker), Error::None);
}

TEST_F(Sleepers, AffinityIsForThreadsOfOnesOwnProcess) {
    const Endpoint stranger = machine.spawn(kA);
    EXPECT_EQ(call(stranger, KernelCall::ThreadAffinity, {sleeper.raw(), 0}), Error::Permission);
    EXPECT_EQ(call(stranger, KernelCall::ThreadAffinity, {0x7fff, 0}), Error::BadEndpoint);
    EXPECT_EQ(call(stranger, KernelCall::ThreadAffinity, {Endpoint::of(120, 1).raw(), 0}), Error::DeadEndpoint);
    EXPECT_EQ(call(stranger, KernelCall::ThreadAffinity, {kSelf.raw(), 3}), Error::BadCpu);
    EXPECT_EQ(call(stranger, KernelCall::ThreadAffinity, {kernel::vm_worker(kB).endpoint().raw(), 0}), Error::Permission);
}

TEST_F(Sleepers, AnAlarmMovesWithItsThread) {
    const uint64_t due = now() + 1000;
    ASSERT_EQ(call(sleeper, KernelCall::Alarm, {due}), Error::None);
    ASSERT_EQ(call(sleeper, KernelCall::ThreadAffinity, {kSelf.raw(), kC.raw()}), Error::None);
    ASSERT_EQ(thread(sleeper).home_cpu(), kC);
    machine.advance(500);
    EXPECT_FALSE(notified_by_clock(sleeper));
    machine.advance(600);
    EXPECT_TRUE(notified_by_clock(sleeper));
    EXPECT_FALSE(notified_by_clock(sleeper)) << "once";
}

TEST_F(Sleepers, AlarmsAreReplacedAndCancelled) {
    ASSERT_EQ(call(sleeper, KernelCall::Alarm, {now() + 1000}), Error::None);
    ASSERT_EQ(call(sleeper, KernelCall::Alarm, {now() + 5000}), Error::None);
    machine.advance(2000);
    EXPECT_FALSE(notified_by_clock(sleeper));
    ASSERT_EQ(call(sleeper, KernelCall::Alarm, {0}), Error::None);
    machine.advance(9000);
    EXPECT_FALSE(notified_by_clock(sleeper));
}

TEST_F(Sleepers, AnAlarmInThePastComesAtOnce) {
    machine.advance(5000);
    ASSERT_EQ(call(sleeper, KernelCall::Alarm, {1}), Error::None);
    EXPECT_TRUE(notified_by_clock(sleeper));
    ASSERT_EQ(call(sleeper, KernelCall::Alarm, {~uint64_t{0}}), Error::None);
    EXPECT_FALSE(notified_by_clock(sleeper));
}

TEST_F(Sleepers, AnAlarmDoesNotEndASleep) {
    ASSERT_EQ(call(sleeper, KernelCall::Alarm, {now() + 1000}), Error::None);
    ASSERT_EQ(sleep(3000), Error::DoNotReply);
    machine.advance(2000);
    EXPECT_TRUE(FakeMachine::waits(sleeper));
    machine.advance(2000);
    EXPECT_EQ(FakeMachine::outcome(sleeper), Error::TimedOut);
    EXPECT_TRUE(notified_by_clock(sleeper));
}

TEST_F(Sleepers, DeathCancelsTheAlarmOnItsWayToANewHome) {
    ASSERT_EQ(call(sleeper, KernelCall::Alarm, {now() + 1000}), Error::None);
    enter(sleeper, KernelCall::ThreadAffinity, {kSelf.raw(), kC.raw()});
    machine.turn(kA);
    ASSERT_TRUE(thread(sleeper).is(kernel::kInTransit));
    kill();
    machine.settle();
    EXPECT_EQ(thread(sleeper).state, ThreadState::Dead);
    EXPECT_FALSE(thread(sleeper).alarm.armed());
    machine.advance(2000);
    EXPECT_EQ(thread(sleeper).notified_special, 0u);
}

}  // namespace
}  // namespace shoal::test
