// process_stop and process_resume: what threads are doing when their process is stopped, and how they go on.
#include <gtest/gtest.h>

#include "abi/grant.hpp"
#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/objects/death.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

using kernel::ThreadState;

// With the stopped process on the CPU of who stops it, and on another.
class Holding : public ::testing::TestWithParam<uint16_t> {
  protected:
    Error call(Endpoint who, KernelCall what, std::initializer_list<uint64_t> words) {
        message = Message{};
        size_t at = 1;
        for (uint64_t word : words) message.words[at++] = word;
        return machine.call(who, static_cast<uint64_t>(what), message);
    }
    // Threads that are not quiet yet.
    uint64_t stop(Endpoint who) {
        EXPECT_EQ(call(manager, KernelCall::ProcessStop, {who.raw()}), Error::None);
        EXPECT_EQ(call(manager, KernelCall::ProcessStop, {who.raw()}), Error::None);  // the first answer may be ahead of the news
        return message.words[1];
    }
    // The same, while its home alone looks into its mailbox.
    uint64_t stop_unheard(Endpoint who) {
        machine.enter_call(manager, static_cast<uint64_t>(KernelCall::ProcessStop), {{0, who.raw()}});
        machine.turn(CpuId{GetParam()});
        return received(manager).words[1];
    }
    void resume(Endpoint who) { EXPECT_EQ(call(manager, KernelCall::ProcessResume, {who.raw()}), Error::None); }
    Error receive(Endpoint who, Endpoint from = kAny) { return machine.trap(who, Trap::Receive, kNone, from); }
    // And does not wait for anything then.
    void reply(Endpoint who, Endpoint to, uint64_t word) {
        EXPECT_EQ(machine.trap(who, static_cast<uint64_t>(Trap::ReplyReceive) | kNonBlocking, to, kAny, {{1, word}}), Error::NotReady);
    }
    Error send(Endpoint who, Endpoint to, uint64_t word = 0) { return machine.trap(who, Trap::Send, to, kNone, {{1, word}}); }
    AsyncEntry& send_async(Endpoint who, Endpoint to) {
        auto& entry = *reinterpret_cast<AsyncEntry*>(plain_space::memory(kernel::slot_of(*FakeMachine::thread(who).process)));
        entry = {AsyncEntry::kValid, to, 1, {7, 8}};
        EXPECT_EQ(machine.trap(who, Trap::SendAsync, kNone, kNone, {{0, plain_space::kBase, 1}}), Error::None);
        return entry;
    }
    static Message received(Endpoint who) { return FakeMachine::thread(who).registers.message(); }
    static ThreadState state(Endpoint who) { return FakeMachine::thread(who).state; }

    FakeMachine machine{3};
    Endpoint manager = machine.spawn(CpuId{0});
    Endpoint server = machine.spawn(CpuId{GetParam()});
    Endpoint client = machine.spawn(CpuId{1}), neighbour = machine.spawn(CpuId{GetParam()});
    Message message;
};

TEST_P(Holding, WhoRunsIsHeldAndRunsOn) {
    EXPECT_EQ(stop(server), 0u);
    EXPECT_EQ(state(server), ThreadState::Held);
    EXPECT_NE(machine.turn(CpuId{GetParam()}), &FakeMachine::thread(server));
    resume(server);
    EXPECT_FALSE(FakeMachine::waits(server));
    EXPECT_EQ(receive(server), Error::DoNotReply);
}

TEST_P(Holding, WhoReceivesReceivesAnew) {
    ASSERT_EQ(receive(server), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    EXPECT_EQ(send(client, server, 5), Error::DoNotReply) << "nobody takes it";
    EXPECT_EQ(state(server), ThreadState::Held);
    resume(server);
    EXPECT_EQ(FakeMachine::outcome(server), Error::None);
    EXPECT_EQ(received(server).source(), client);
    EXPECT_EQ(received(server).words[1], 5u);
    EXPECT_FALSE(FakeMachine::waits(client));
}

TEST_P(Holding, WhoReceivesFromOneGoesOnWaitingForThatOne) {
    ASSERT_EQ(receive(server, manager), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    EXPECT_EQ(send(client, server, 5), Error::DoNotReply);
    resume(server);
    EXPECT_EQ(state(server), ThreadState::Receiving);
    EXPECT_EQ(send(manager, server, 6), Error::None);
    EXPECT_EQ(received(server).words[1], 6u);
}

TEST_P(Holding, WhoWaitsForAnAnswerGetsItFirst) {
    ASSERT_EQ(receive(client), Error::DoNotReply);
    ASSERT_EQ(machine.trap(server, Trap::SendReceive, client, kAny, {{1, 5}}), Error::DoNotReply);
    EXPECT_EQ(stop(server), 1u);
    EXPECT_EQ(machine.trap(client, Trap::ReplyReceive, server, kAny, {{1, 7}}), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    EXPECT_EQ(state(server), ThreadState::Held);
    resume(server);
    EXPECT_EQ(FakeMachine::outcome(server), Error::None);
    EXPECT_EQ(received(server).words[1], 7u);
}

TEST_P(Holding, WhoSendsIsHeldWhenItIsTaken) {
    ASSERT_EQ(send(server, client, 5), Error::DoNotReply);
    EXPECT_EQ(stop(server), 1u);
    EXPECT_EQ(receive(client), Error::None);
    EXPECT_EQ(stop(server), 0u);
    resume(server);
    EXPECT_EQ(FakeMachine::outcome(server), Error::None);
}

TEST_P(Holding, WhoReceivesFromOneHearsOfItsEnd) {
    ASSERT_EQ(receive(server, client), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    ASSERT_EQ(call(manager, KernelCall::ProcessKill, {client.raw(), 3}), Error::None);
    resume(server);
    EXPECT_EQ(FakeMachine::outcome(server), Error::DeadSourceOrDestination) << "as if it had heard of it then";
}

// Who sends and then receives from whom it has sent to, instead of one trap for both, may be told in a trap that does not wait.
TEST_P(Holding, AReplyToWhoReceivesIsKept) {
    for (const Endpoint one : {client, neighbour}) {
        ASSERT_EQ(receive(one), Error::DoNotReply);
        ASSERT_EQ(send(server, one, 5), Error::None);
        ASSERT_EQ(receive(server, one), Error::DoNotReply);
        EXPECT_EQ(stop(server), 0u);
        reply(one, server, 6);
        EXPECT_EQ(state(server), ThreadState::Held);
        EXPECT_EQ(stop(server), 0u) << "it keeps nobody from swapping them";
        resume(server);
        ASSERT_FALSE(FakeMachine::waits(server));
        EXPECT_EQ(FakeMachine::outcome(server), Error::None);
        EXPECT_EQ(received(server).source(), one);
        EXPECT_EQ(received(server).words[1], 6u);
        EXPECT_EQ(receive(server, one), Error::DoNotReply) << "once";
        reply(one, server, 7);
        EXPECT_EQ(received(server).words[1], 7u) << "the node is free for the next";
    }
}

TEST_P(Holding, AKeptReplyComesBeforeWhatItsSenderHasSentSince) {
    ASSERT_EQ(receive(server), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    reply(client, server, 6);
    ASSERT_EQ(send(client, server, 7), Error::DoNotReply);
    resume(server);
    EXPECT_EQ(received(server).words[1], 6u);
    ASSERT_EQ(receive(server), Error::None);
    EXPECT_EQ(received(server).words[1], 7u);
}

TEST_P(Holding, AReplyIsDroppedIfItIsNotWaitedFor) {
    ASSERT_EQ(receive(server, manager), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    reply(client, server, 6);
    reply(neighbour, server, 7);
    EXPECT_FALSE(FakeMachine::thread(server).reply.kept) << "another one, that it waits for, would find no place";
    resume(server);
    EXPECT_EQ(state(server), ThreadState::Receiving);
    EXPECT_EQ(send(manager, server, 5), Error::None);
    EXPECT_EQ(stop(server), 0u);
    reply(machine.spawn(CpuId{1}), server, 6);
    resume(server);
    EXPECT_EQ(received(server).words[1], 5u) << "it was not receiving";
    ASSERT_EQ(receive(server), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    resume(server);
    EXPECT_EQ(state(server), ThreadState::Receiving) << "nor is it now what it was then";
}

TEST_P(Holding, AReplyOfWhoMayNotSendIsDropped) {
    Privileges privileges = FakeMachine::everything();
    for (uint64_t& word : privileges.send_mask) word = 0;
    ASSERT_EQ(receive(server), Error::DoNotReply);
    for (const CpuId cpu : {CpuId{1}, CpuId{GetParam()}}) {
        EXPECT_EQ(stop(server), 0u);
        reply(machine.spawn(cpu, privileges), server, 6);
        resume(server);
        EXPECT_EQ(state(server), ThreadState::Receiving);
    }
    EXPECT_EQ(send(client, server, 7), Error::None);
    EXPECT_EQ(received(server).words[1], 7u);
}

// He hears of it, and asks again.
TEST_P(Holding, WhoWouldNotWaitIsTold) {
    ASSERT_EQ(receive(server), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    EXPECT_EQ(machine.trap(client, Trap::SendNonBlocking, server, kAny, {{1, 6}}), Error::NotReady);
    resume(server);
    EXPECT_EQ(machine.trap(client, Trap::SendNonBlocking, server, kAny, {{1, 7}}), Error::None);
    EXPECT_EQ(received(server).words[1], 7u);
}

TEST_P(Holding, NotificationsAreKept) {
    ASSERT_EQ(receive(server), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    EXPECT_EQ(machine.trap(client, Trap::Notify, server), Error::None);
    EXPECT_EQ(state(server), ThreadState::Held);
    resume(server);
    EXPECT_EQ(received(server).source(), client);
}

TEST_P(Holding, AnAsynchronousMessageIsAskedForAfterwards) {
    ASSERT_EQ(receive(server), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    const AsyncEntry& entry = send_async(client, server);
    EXPECT_EQ(entry.flags & AsyncEntry::kDone, 0u);
    EXPECT_EQ(state(server), ThreadState::Held);
    resume(server);
    machine.settle();
    EXPECT_EQ(received(server).words[1], 8u);
    EXPECT_NE(entry.flags & AsyncEntry::kDone, 0u);
}

TEST_P(Holding, AProcessThatHasNotStartedRunsWhenItIsResumed) {
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
    const Endpoint child{static_cast<uint32_t>(message.words[1])};
    EXPECT_EQ(stop(child), 0u);
    ASSERT_EQ(call(manager, KernelCall::ProcessStart, {child.raw(), 0x1000, 0x2000, 7, GetParam()}), Error::None);
    EXPECT_EQ(state(child), ThreadState::Held);
    resume(child);
    EXPECT_EQ(state(child), ThreadState::Ready);
    EXPECT_EQ(FakeMachine::thread(child).registers.rdi, 7u);
    EXPECT_EQ(FakeMachine::thread(child).home_cpu(), CpuId{GetParam()});
}

TEST_P(Holding, ResumedBeforeItsStartItOnlyWaitsForThat) {
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
    const Endpoint child{static_cast<uint32_t>(message.words[1])};
    EXPECT_EQ(stop(child), 0u);
    resume(child);
    EXPECT_EQ(state(child), ThreadState::Stopped);
    ASSERT_EQ(call(manager, KernelCall::ProcessStart, {child.raw(), 0x1000, 0x2000, 7, GetParam()}), Error::None);
    EXPECT_EQ(state(child), ThreadState::Ready);
}

// Who waits for it where it was made hears of its end, wherever that is.
TEST_P(Holding, ItsEndIsHeardOfWhereItWasStopped) {
    const Endpoint waiter = machine.spawn(CpuId{0});
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
    const Endpoint child{static_cast<uint32_t>(message.words[1])};
    EXPECT_EQ(stop(child), 0u);
    ASSERT_EQ(receive(waiter, child), Error::DoNotReply);
    resume(child);
    ASSERT_EQ(call(manager, KernelCall::ProcessStart, {child.raw(), 0x1000, 0x2000, 7, 2}), Error::None);
    ASSERT_EQ(call(manager, KernelCall::ProcessKill, {child.raw(), 3}), Error::None);
    EXPECT_EQ(FakeMachine::outcome(waiter), Error::DeadSourceOrDestination);
    EXPECT_FALSE(FakeMachine::waits(waiter));
}

TEST_P(Holding, EveryThreadOfAProcessIsHeld) {
    ASSERT_EQ(call(server, KernelCall::ThreadCreate, {0x1000, 0x2000, 5, 0, 2}), Error::None);
    const Endpoint second{static_cast<uint32_t>(message.words[1])};
    ASSERT_EQ(receive(second), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    EXPECT_EQ(state(server), ThreadState::Held);
    EXPECT_EQ(state(second), ThreadState::Held);
    resume(server);
    EXPECT_EQ(state(server), ThreadState::Ready);
    EXPECT_EQ(state(second), ThreadState::Receiving);
}

// Between two CPUs.
TEST_P(Holding, WhoMovesIsHeldWhereItArrives) {
    machine.enter_call(server, static_cast<uint64_t>(KernelCall::ThreadAffinity), {{0, kSelf.raw(), 1}});
    machine.turn(CpuId{GetParam()});
    ASSERT_TRUE(FakeMachine::thread(server).is(kernel::kInTransit));
    EXPECT_EQ(stop(server), 0u);
    EXPECT_EQ(state(server), ThreadState::Held);
    resume(server);
    EXPECT_EQ(state(server), ThreadState::Ready);
    EXPECT_EQ(FakeMachine::thread(server).home_cpu(), CpuId{1});
}

// What it asks another CPU is answered first.
TEST_P(Holding, WhoAsksIsHeldWhenItIsAnswered) {
    ASSERT_EQ(receive(client), Error::DoNotReply);
    machine.enter(server, Trap::SendNonBlocking, client, kAny, {{1, 5}});
    EXPECT_EQ(stop_unheard(server), 1u);
    EXPECT_EQ(state(server), ThreadState::Asking);
    EXPECT_TRUE(FakeMachine::thread(server).is(kernel::kHold));
    machine.settle();
    EXPECT_EQ(stop(server), 0u) << "answered, it has waited for the CPU";
    EXPECT_EQ(state(server), ThreadState::Held);
    EXPECT_EQ(received(client).words[1], 5u);
    resume(server);
    EXPECT_EQ(FakeMachine::outcome(server), Error::None);
    EXPECT_FALSE(FakeMachine::waits(server));
}

TEST_P(Holding, WhoAsksForAnAsynchronousMessageHasItFirst) {
    send_async(client, server);
    machine.enter(server, Trap::Receive, kNone);
    EXPECT_EQ(stop_unheard(server), 1u);
    EXPECT_EQ(state(server), ThreadState::Asking);
    machine.settle();
    EXPECT_EQ(stop(server), 0u);
    EXPECT_EQ(state(server), ThreadState::Held);
    resume(server);
    EXPECT_FALSE(FakeMachine::waits(server));
    EXPECT_EQ(received(server).words[1], 8u);
}

// There is nothing after all: it receives, and is held in that.
TEST_P(Holding, WhoAsksInVainIsHeldAsItReceives) {
    send_async(client, server) = {};
    machine.enter(server, Trap::Receive, kNone);
    EXPECT_EQ(stop_unheard(server), 1u);
    EXPECT_EQ(stop(server), 0u);
    EXPECT_EQ(state(server), ThreadState::Held);
    EXPECT_EQ(FakeMachine::thread(server).held.next, kernel::Thread::Next::Receive);
    resume(server);
    EXPECT_EQ(state(server), ThreadState::Receiving);
    EXPECT_EQ(send(client, server, 6), Error::None);
    EXPECT_EQ(received(server).words[1], 6u);
}

// The answer comes to who has sent with it in mind, though its message had not been taken when it was stopped.
TEST_P(Holding, WhoSendsAndWaitsForTheAnswerGetsThatFirst) {
    ASSERT_EQ(machine.trap(server, Trap::SendReceive, client, kAny, {{1, 5}}), Error::DoNotReply);
    EXPECT_EQ(stop(server), 1u);
    ASSERT_EQ(receive(client), Error::None);
    EXPECT_EQ(stop(server), 1u);
    reply(client, server, 7);
    EXPECT_EQ(stop(server), 0u);
    resume(server);
    EXPECT_EQ(received(server).words[1], 7u);
}

TEST_P(Holding, ASleeperIsHeldWhenItIsWoken) {
    ASSERT_EQ(call(server, KernelCall::ThreadCreate, {0x1000, 0x2000, 5, 0, 2}), Error::None);
    const Endpoint second{static_cast<uint32_t>(message.words[1])};
    ASSERT_EQ(call(second, KernelCall::WaitOnAddress, {plain_space::kBase, 0, 1000}), Error::DoNotReply);
    EXPECT_EQ(stop(server), 1u);
    machine.advance(2000);
    EXPECT_EQ(stop(server), 0u);
    resume(server);
    EXPECT_EQ(FakeMachine::outcome(second), Error::TimedOut);
}

TEST_P(Holding, IsNotQuietWhileItsAsynchronousMessageIsNotTaken) {
    send_async(server, client);
    EXPECT_EQ(stop(server), 1u);
    EXPECT_EQ(state(server), ThreadState::Held);
    EXPECT_EQ(receive(client), Error::None);
    EXPECT_EQ(received(client).words[1], 8u);
    EXPECT_EQ(stop(server), 0u);
    resume(server);
    EXPECT_FALSE(FakeMachine::waits(server));
}

TEST_P(Holding, IsKilledAsAnyOther) {
    const Endpoint partner = machine.spawn(CpuId{1});
    ASSERT_EQ(receive(server, manager), Error::DoNotReply);
    EXPECT_EQ(stop(server), 0u);
    ASSERT_EQ(send(client, server), Error::DoNotReply);
    reply(partner, server, 6);  // which it keeps
    EXPECT_EQ(call(manager, KernelCall::ProcessKill, {server.raw(), 3}), Error::None);
    EXPECT_EQ(state(server), ThreadState::Dead);
    EXPECT_EQ(FakeMachine::thread(server).nodes_out, 0u);
    EXPECT_EQ(FakeMachine::outcome(client), Error::DeadSourceOrDestination);
    EXPECT_EQ(call(manager, KernelCall::ProcessStop, {server.raw()}), Error::DeadEndpoint);
    EXPECT_EQ(call(manager, KernelCall::ProcessResume, {server.raw()}), Error::DeadEndpoint);
}

// The news and the change of mind meet on the way.
TEST_P(Holding, TheLastWordCounts) {
    const Message whom{{0, server.raw()}};
    for (const bool stopped : {true, false}) {
        for (int i = 0; i < 4 + (stopped ? 1 : 0); ++i) {
            const KernelCall what = i % 2 == 0 ? KernelCall::ProcessStop : KernelCall::ProcessResume;
            machine.enter_call(manager, static_cast<uint64_t>(what), whom);
        }
        machine.settle();
        EXPECT_EQ(state(server) == ThreadState::Held, stopped);
        if (stopped) resume(server);
    }
}

TEST_P(Holding, BadArgumentsAreRefused) {
    EXPECT_EQ(call(manager, KernelCall::ProcessStop, {manager.raw()}), Error::Invalid);
    EXPECT_EQ(call(manager, KernelCall::ProcessStop, {0x7fff}), Error::BadEndpoint);
    EXPECT_EQ(call(manager, KernelCall::ProcessResume, {0x7fff}), Error::BadEndpoint);
    resume(server);
    EXPECT_EQ(state(server), ThreadState::Ready) << "it was not stopped";
}

INSTANTIATE_TEST_SUITE_P(Cpus, Holding, ::testing::Values(uint16_t{0}, uint16_t{2}));

}  // namespace
}  // namespace shoal::test
