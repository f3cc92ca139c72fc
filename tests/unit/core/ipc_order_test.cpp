// What is received when: contents, order, status, direct handoff.
#include <gtest/gtest.h>

#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

class IpcOrder : public ::testing::TestWithParam<uint16_t> {
  protected:
    Message received(Endpoint who) { return FakeMachine::thread(who).registers.message(); }
    uint64_t status(Endpoint who) { return FakeMachine::thread(who).registers.rdi; }
    FakeMachine machine{2};
    Endpoint server = machine.spawn(CpuId{0});
    Endpoint client = machine.spawn(CpuId{GetParam()});
    Endpoint second = machine.spawn(CpuId{GetParam()});
};

TEST_P(IpcOrder, AllWordsTravelBothWays) {
    EXPECT_EQ(machine.trap(server, Trap::Receive, kAny), Error::DoNotReply);
    EXPECT_EQ(machine.trap(client, Trap::SendReceive, server, kAny, {{0xffff'ffff'0000'0005, 1, 2, 3, 4, 5, 6, 7}}),
              Error::DoNotReply);
    EXPECT_EQ(received(server).type(), 5u);
    EXPECT_EQ(received(server).source(), client);
    for (uint64_t word = 1; word < 8; ++word) EXPECT_EQ(received(server).words[word], word);
    EXPECT_EQ(status(server), static_cast<uint64_t>(Trap::SendReceive));
    EXPECT_EQ(machine.trap(server, Trap::ReplyReceive, client, kAny, {{9, 11, 12, 13, 14, 15, 16, 17}}), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::outcome(client), Error::None);
    EXPECT_EQ(received(client).source(), server);
    for (uint64_t word = 1; word < 8; ++word) EXPECT_EQ(received(client).words[word], word + 10);
}

TEST_P(IpcOrder, NotificationsBeforeSendersInOrderOfArrival) {
    EXPECT_EQ(machine.trap(client, Trap::Send, server, kAny, {{1}}), Error::DoNotReply);
    EXPECT_EQ(machine.trap(second, Trap::Notify, server), Error::None);
    EXPECT_EQ(machine.trap(second, Trap::Send, server, kAny, {{2}}), Error::DoNotReply);
    EXPECT_EQ(machine.trap(server, Trap::Receive, kNone), Error::None);
    EXPECT_EQ(received(server).type(), kNotifyBase);
    EXPECT_EQ(received(server).source(), second);
    EXPECT_TRUE(status(server) & kNotification);
    EXPECT_EQ(machine.trap(server, Trap::Receive, kNone), Error::None);
    EXPECT_EQ(received(server).source(), client);
    EXPECT_EQ(machine.trap(server, Trap::Receive, kNone), Error::None);
    EXPECT_EQ(received(server).source(), second);
}

TEST_P(IpcOrder, ReceiveFromOneLeavesTheOthersQueued) {
    EXPECT_EQ(machine.trap(client, Trap::Send, server, kAny, {{1}}), Error::DoNotReply);
    EXPECT_EQ(machine.trap(second, Trap::Send, server, kAny, {{2}}), Error::DoNotReply);
    EXPECT_EQ(machine.trap(server, Trap::Receive, kNone, second), Error::None);
    EXPECT_EQ(received(server).type(), 2u);
    EXPECT_TRUE(FakeMachine::waits(client));
    EXPECT_FALSE(FakeMachine::waits(second));
}

TEST_P(IpcOrder, NoNotificationBeforeTheReply) {
    EXPECT_EQ(machine.trap(server, Trap::Receive, kAny), Error::DoNotReply);
    EXPECT_EQ(machine.trap(client, Trap::SendReceive, server), Error::DoNotReply);
    EXPECT_EQ(machine.trap(second, Trap::Notify, client), Error::None);
    EXPECT_TRUE(FakeMachine::waits(client));
    EXPECT_EQ(machine.trap(server, Trap::ReplyReceive, client), Error::DoNotReply);
    EXPECT_EQ(received(client).source(), server);
    EXPECT_EQ(machine.trap(client, Trap::Receive, kNone), Error::None);
    EXPECT_EQ(received(client).source(), second);
}

TEST_P(IpcOrder, ALostReplyDoesNotStopTheServer) {
    EXPECT_EQ(machine.trap(server, Trap::ReplyReceive, client), Error::DoNotReply);
    EXPECT_EQ(machine.trap(client, Trap::Send, server, kAny, {{3}}), Error::None);
    EXPECT_EQ(received(server).type(), 3u);
}

INSTANTIATE_TEST_SUITE_P(Same, IpcOrder, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Across, IpcOrder, ::testing::Values(1));

TEST(Handoff, TheReceiverRunsAtOnce) {
    FakeMachine machine{1};
    const Endpoint server = machine.spawn(CpuId{0});
    const Endpoint client = machine.spawn(CpuId{0});
    machine.spawn(CpuId{0});  // waits for the CPU meanwhile
    EXPECT_EQ(machine.trap(server, Trap::Receive, kAny), Error::DoNotReply);
    machine.trap(client, Trap::SendReceive, server);
    EXPECT_EQ(machine.turn(CpuId{0}), &FakeMachine::thread(server));
    machine.trap(server, Trap::ReplyReceive, client);
    EXPECT_EQ(machine.turn(CpuId{0}), &FakeMachine::thread(client));
}

TEST(Handoff, EqualsShareTheCpuByQuantum) {
    FakeMachine machine{1};
    const Endpoint first = machine.spawn(CpuId{0}), second = machine.spawn(CpuId{0});
    EXPECT_EQ(machine.turn(CpuId{0}), &FakeMachine::thread(first));
    machine.advance(20'000'000);
    EXPECT_EQ(machine.turn(CpuId{0}), &FakeMachine::thread(second));
    machine.advance(20'000'000);
    EXPECT_EQ(machine.turn(CpuId{0}), &FakeMachine::thread(first));
}

}  // namespace
}  // namespace shoal::test
