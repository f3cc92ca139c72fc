// Trap SendAsync, rule by rule, with the partner on the same CPU and on another.
#include <gtest/gtest.h>

#include "abi/grant.hpp"
#include "abi/kernel_call_numbers.hpp"
#include "abi/kernel_info.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/death.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

using Flags = AsyncEntry::Flags;

class Async : public ::testing::TestWithParam<uint16_t> {
  protected:
    AsyncEntry& entry(uint32_t index) {
        return reinterpret_cast<AsyncEntry*>(plain_space::memory(kernel::slot_of(*FakeMachine::thread(sender).process)))[index];
    }
    void SetUp() override {
        for (uint32_t i = 0; i < 16; ++i) entry(i) = {};
    }
    void put(uint32_t index, Endpoint to, uint64_t word, uint32_t flags = 0) {
        entry(index) = {flags | Flags::kValid, to, 1, {7, word}};
    }
    Error send(uint64_t count, uint64_t address = plain_space::kBase) {
        return machine.trap(sender, Trap::SendAsync, kNone, kNone, {{0, address, count}});
    }
    Error receive(Endpoint who, Endpoint from = kAny) { return machine.trap(who, Trap::Receive, kNone, from); }
    Error poll(Endpoint who) {
        return machine.trap(who, static_cast<uint64_t>(Trap::Receive) | kNonBlocking, kNone, kAny);
    }
    Message received(Endpoint who) { return FakeMachine::thread(who).registers.message(); }
    bool done(uint32_t index) { return (entry(index).flags & Flags::kDone) != 0; }
    Error result(uint32_t index) { return from_register(entry(index).result); }
    void kill(Endpoint who) {
        FakeMachine::become(CpuId{0});
        ASSERT_EQ(kernel::kill_process(kernel::tables.cpus[0], *FakeMachine::thread(who).process, 1), Error::None);
        machine.settle();
    }
    Error move(Endpoint who, uint64_t cpu) {
        Message message{{0, kSelf.raw(), cpu}};
        return machine.call(who, static_cast<uint64_t>(KernelCall::ThreadAffinity), message);
    }
    FakeMachine machine{3};
    Endpoint sender = machine.spawn(CpuId{0});
    Endpoint receiver = machine.spawn(CpuId{GetParam()});
    Endpoint other = machine.spawn(CpuId{GetParam()});
};

TEST_P(Async, AWaitingReceiverGetsItAtOnce) {
    ASSERT_EQ(receive(receiver), Error::DoNotReply);
    put(0, receiver, 11);
    EXPECT_EQ(send(1), Error::None);
    ASSERT_FALSE(FakeMachine::waits(receiver));
    EXPECT_EQ(received(receiver).source(), sender);
    EXPECT_EQ(received(receiver).type(), 7u);
    EXPECT_EQ(received(receiver).words[1], 11u);
    EXPECT_EQ(FakeMachine::thread(receiver).registers.rdi, static_cast<uint64_t>(Trap::SendAsync));
    EXPECT_TRUE(done(0));
    EXPECT_EQ(result(0), Error::None);
}

TEST_P(Async, ABusyReceiverGetsThemWhenItReceivesInOrderOfTheTable) {
    for (uint32_t i = 0; i < 3; ++i) put(i, receiver, i);
    EXPECT_EQ(send(3), Error::None);
    for (uint32_t i = 0; i < 3; ++i) {
        EXPECT_FALSE(done(i));
        ASSERT_EQ(receive(receiver), Error::None);
        EXPECT_EQ(received(receiver).words[1], i);
        EXPECT_TRUE(done(i));
    }
    EXPECT_EQ(poll(receiver), Error::NotReady);
}

TEST_P(Async, EachReceiverGetsItsOwn) {
    put(0, receiver, 1), put(1, other, 2), put(2, receiver, 3);
    ASSERT_EQ(receive(other), Error::DoNotReply);
    EXPECT_EQ(send(3), Error::None);
    EXPECT_EQ(received(other).words[1], 2u);
    ASSERT_EQ(receive(receiver), Error::None);
    EXPECT_EQ(received(receiver).words[1], 1u);
    ASSERT_EQ(receive(receiver), Error::None);
    EXPECT_EQ(received(receiver).words[1], 3u);
}

TEST_P(Async, AfterNotificationsAndBeforeQueuedSenders) {
    EXPECT_EQ(machine.trap(other, Trap::Send, receiver, kAny, {{5}}), Error::DoNotReply);
    put(0, receiver, 1);
    EXPECT_EQ(send(1), Error::None);
    EXPECT_EQ(machine.trap(sender, Trap::Notify, receiver), Error::None);
    ASSERT_EQ(receive(receiver), Error::None);
    EXPECT_EQ(received(receiver).type(), kNotifyBase);
    ASSERT_EQ(receive(receiver), Error::None);
    EXPECT_EQ(received(receiver).type(), 7u);
    ASSERT_EQ(receive(receiver), Error::None);
    EXPECT_EQ(received(receiver).type(), 5u);
}

TEST_P(Async, ReceiveFromAnotherLeavesIt) {
    put(0, receiver, 1);
    EXPECT_EQ(send(1), Error::None);
    EXPECT_EQ(receive(receiver, other), Error::DoNotReply);
    EXPECT_FALSE(done(0));
    EXPECT_EQ(machine.trap(other, Trap::Send, receiver), Error::None);
    EXPECT_EQ(receive(receiver, sender), Error::None);
    EXPECT_TRUE(done(0));
}

TEST_P(Async, AnswersASendReceiveUnlessItMustNot) {
    ASSERT_EQ(receive(sender), Error::DoNotReply);
    ASSERT_EQ(machine.trap(receiver, Trap::SendReceive, sender), Error::DoNotReply);
    put(0, receiver, 1, Flags::kNoReply), put(1, receiver, 2);
    EXPECT_EQ(send(2), Error::None);
    ASSERT_FALSE(FakeMachine::waits(receiver));
    EXPECT_EQ(received(receiver).words[1], 2u);
    EXPECT_FALSE(done(0));
    ASSERT_EQ(receive(receiver), Error::None);
    EXPECT_EQ(received(receiver).words[1], 1u);
}

TEST_P(Async, NewsWhenDone) {
    put(0, receiver, 1, Flags::kNotify), put(1, receiver, 2, Flags::kNotifyError), put(2, Endpoint::of(120, 1), 3, Flags::kNotifyError);
    EXPECT_EQ(send(2), Error::None);
    EXPECT_EQ(poll(sender), Error::NotReady);
    ASSERT_EQ(receive(receiver), Error::None);
    ASSERT_EQ(poll(sender), Error::None);
    EXPECT_EQ(received(sender).source(), kAsync);
    EXPECT_TRUE(FakeMachine::thread(sender).registers.rdi & kFromKernel);
    ASSERT_EQ(receive(receiver), Error::None);
    EXPECT_EQ(poll(sender), Error::NotReady);
    EXPECT_EQ(send(3), Error::None);
    EXPECT_EQ(result(2), Error::DeadSourceOrDestination);
    EXPECT_EQ(receive(sender, kAsync), Error::None);
}

TEST_P(Async, ErrorsOfEntries) {
    Privileges mute = FakeMachine::everything();
    for (uint64_t& word : mute.send_mask) word = 0;
    const Endpoint loud = sender;
    put(0, kAny, 0), put(1, Endpoint{0x7fff}, 0), put(2, sender, 0), put(3, Endpoint::of(120, 1), 0);
    EXPECT_EQ(send(4), Error::None);
    EXPECT_EQ(result(0), Error::Invalid);
    EXPECT_EQ(result(1), Error::BadEndpoint);
    EXPECT_EQ(result(2), Error::Locked);
    EXPECT_EQ(result(3), Error::DeadSourceOrDestination);
    sender = machine.spawn(CpuId{0}, mute);
    put(0, receiver, 1);
    EXPECT_EQ(send(1), Error::None);
    EXPECT_EQ(result(0), Error::CallDenied);
    ASSERT_EQ(receive(sender), Error::DoNotReply);
    ASSERT_EQ(machine.trap(receiver, Trap::SendReceive, sender), Error::DoNotReply);
    put(0, receiver, 2);
    EXPECT_EQ(send(1), Error::None);  // an answer needs no privilege
    EXPECT_FALSE(FakeMachine::waits(receiver));
    EXPECT_EQ(received(receiver).words[1], 2u);
    sender = loud;
}

TEST_P(Async, ErrorsOfTheTrap) {
    put(0, receiver, 1);
    EXPECT_EQ(send(AsyncEntry::kMostEntries + 1), Error::Invalid);
    EXPECT_EQ(send(1, plain_space::kBase + 4), Error::Invalid);
    EXPECT_EQ(send(1, 0x10), Error::BadAddress);
    EXPECT_EQ(send(52), Error::BadAddress);  // runs over the end
    entry(0).flags = Flags::kValid | 0x20;
    EXPECT_EQ(send(1), Error::Invalid);
    entry(0).flags = Flags::kNotify;
    EXPECT_EQ(send(1), Error::Invalid);
    entry(0).flags = 0;
    EXPECT_EQ(send(1), Error::None);
    EXPECT_EQ(poll(receiver), Error::NotReady);
    sender = machine.spawn(CpuId{0}, 0);
    put(0, receiver, 1);
    EXPECT_EQ(send(1), Error::Permission);
}

TEST_P(Async, ASecondTableReplacesTheFirst) {
    put(0, receiver, 1);
    EXPECT_EQ(send(1), Error::None);
    EXPECT_EQ(send(0), Error::None);
    EXPECT_EQ(poll(receiver), Error::NotReady);
    EXPECT_FALSE(done(0));
}

TEST_P(Async, TheSameTableAgainDeliversNothingTwice) {
    put(0, receiver, 1);
    EXPECT_EQ(send(1), Error::None);
    put(1, receiver, 2);
    EXPECT_EQ(send(2), Error::None);
    for (uint64_t word = 1; word <= 2; ++word) {
        ASSERT_EQ(poll(receiver), Error::None);
        EXPECT_EQ(received(receiver).words[1], word);
    }
    EXPECT_EQ(poll(receiver), Error::NotReady);
}

TEST_P(Async, AnEntryThatIsDoneMayHoldAnotherMessageWhileOthersWait) {
    ASSERT_EQ(receive(receiver), Error::DoNotReply);
    put(0, receiver, 1), put(1, other, 2);
    EXPECT_EQ(send(2), Error::None);
    EXPECT_TRUE(done(0));
    put(0, receiver, 3);
    EXPECT_EQ(send(2), Error::None);
    EXPECT_FALSE(done(0));
    ASSERT_EQ(receive(receiver), Error::None);
    EXPECT_EQ(received(receiver).words[1], 3u);
    EXPECT_TRUE(done(0));
}

// Else its owner could put another message there, and the letter's answer would be taken for that one's.
TEST_P(Async, AnEntryIsNotDoneWhileItsLetterTravels) {
    const Endpoint dying = machine.spawn(CpuId{2});
    put(0, dying, 1);
    EXPECT_EQ(send(1), Error::None);
    FakeMachine::become(CpuId{0});
    ASSERT_EQ(kernel::kill_process(kernel::tables.cpus[0], *FakeMachine::thread(dying).process, 1), Error::None);
    const Message table{{0, plain_space::kBase, 1}};
    machine.enter(sender, Trap::SendAsync, kNone, kNone, table);  // the letter lies behind the Stop
    bool told = false;
    FakeMachine::on_ipi = [&](CpuId target) {  // the news of the death; the letter has yet to be seen
        kernel::machine::wake(target);
        machine.turn(target);
        EXPECT_EQ(target, CpuId{0});
        EXPECT_FALSE(done(0));
        machine.enter(sender, Trap::SendAsync, kNone, kNone, table);
        EXPECT_FALSE(done(0));
        told = true;
    };
    machine.turn(CpuId{2});
    EXPECT_TRUE(told);
    machine.settle();
    EXPECT_TRUE(done(0));
    EXPECT_EQ(result(0), Error::DeadSourceOrDestination);
}

TEST_P(Async, TheReceiverDies) {
    put(0, receiver, 1, Flags::kNotifyError), put(1, other, 2);
    EXPECT_EQ(send(2), Error::None);
    kill(receiver);
    EXPECT_TRUE(done(0));
    EXPECT_EQ(result(0), Error::DeadSourceOrDestination);
    EXPECT_EQ(receive(sender, kAsync), Error::None);
    EXPECT_FALSE(done(1));
}

TEST_P(Async, TheSenderDies) {
    put(0, receiver, 1);
    EXPECT_EQ(send(1), Error::None);
    kill(sender);
    EXPECT_EQ(poll(receiver), Error::NotReady);
    EXPECT_FALSE(done(0));
    EXPECT_EQ(FakeMachine::thread(sender).state, kernel::ThreadState::Dead);
    EXPECT_EQ(FakeMachine::thread(sender).nodes_out, 0);
}

TEST_P(Async, BothMayMove) {
    put(0, receiver, 1), put(1, receiver, 2);
    EXPECT_EQ(send(2), Error::None);
    EXPECT_EQ(move(receiver, 2), Error::None);
    ASSERT_EQ(poll(receiver), Error::None);
    EXPECT_EQ(received(receiver).words[1], 1u);
    EXPECT_EQ(move(sender, 2), Error::None);
    ASSERT_EQ(poll(receiver), Error::None);
    EXPECT_EQ(received(receiver).words[1], 2u);
    EXPECT_EQ(poll(receiver), Error::NotReady);
}

TEST_P(Async, TheReceiverDiesWhileTheSenderMoves) {
    put(0, receiver, 1);
    EXPECT_EQ(send(1), Error::None);
    EXPECT_EQ(move(sender, 2), Error::None);
    kill(receiver);
    EXPECT_EQ(result(0), Error::DeadSourceOrDestination);
}

INSTANTIATE_TEST_SUITE_P(Same, Async, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Across, Async, ::testing::Values(1));

}  // namespace
}  // namespace shoal::test
