// A CPU with nothing to run listens for a while before it halts: mail for it then costs no interrupt, and none is lost.
#include <gtest/gtest.h>

#include "kernel/core/cpu.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/machine.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

class Idle : public ::testing::Test {
  protected:
    static constexpr CpuId kHere{0}, kThere{1};

    void SetUp() override {
        ASSERT_EQ(machine.trap(server, Trap::Receive, kAny), Error::DoNotReply);
        ASSERT_EQ(machine.turn(kThere), nullptr);
    }
    // The server's CPU, up to there.
    static kernel::Mailbox::Watch listen() {
        FakeMachine::become(kThere);
        kernel::entry::end_idling();
        EXPECT_EQ(kernel::entry::next_thread(), nullptr);
        return kernel::entry::begin_to_listen();
    }
    // A question to the server, and nothing else happens.
    void ask() {
        FakeMachine::become(kHere);
        FakeMachine::ipis = 0;
        machine.enter(client, static_cast<uint64_t>(Trap::SendReceive), server, kAny, {{7}});
    }
    [[nodiscard]] bool server_has_it() { return machine.turn(kThere) == &FakeMachine::thread(server); }

    FakeMachine machine{2};
    Endpoint server = machine.spawn(kThere);
    Endpoint client = machine.spawn(kHere), second = machine.spawn(kHere);
};

TEST_F(Idle, MailForAListenerCostsNoInterrupt) {
    const kernel::Mailbox::Watch watch = listen();
    ASSERT_NE(watch.word, nullptr);
    EXPECT_EQ(watch.word->load(), watch.silent);
    ask();
    EXPECT_EQ(FakeMachine::ipis, 0u);
    EXPECT_NE(watch.word->load(), watch.silent);
    EXPECT_TRUE(server_has_it());
}

TEST_F(Idle, MailThatComesBeforeTheHaltIsNoticed) {
    ASSERT_NE(listen().word, nullptr);
    ask();
    FakeMachine::become(kThere);
    EXPECT_FALSE(kernel::entry::may_halt());
    EXPECT_TRUE(server_has_it());
}

TEST_F(Idle, WhoHasHaltedIsInterrupted) {
    ASSERT_NE(listen().word, nullptr);
    EXPECT_TRUE(kernel::entry::may_halt());
    ask();
    EXPECT_EQ(FakeMachine::ipis, 1u);
    EXPECT_TRUE(server_has_it());
}

TEST_F(Idle, NobodyListensOverMailThatIsThere) {
    ask();
    FakeMachine::become(kThere);
    EXPECT_EQ(kernel::entry::begin_to_listen().word, nullptr);
    EXPECT_TRUE(server_has_it());
}

TEST_F(Idle, WhoIsOnTheWayToItsMailIsNotInterrupted) {
    ASSERT_NE(listen().word, nullptr);
    ask();
    FakeMachine::become(kHere);
    machine.enter(second, static_cast<uint64_t>(Trap::Send), server, kAny, {{8}});
    EXPECT_EQ(FakeMachine::ipis, 0u);
    EXPECT_TRUE(server_has_it());
}

// An interrupt during the listening; what it makes ready does not run before the mail is handled.
TEST_F(Idle, AnInterruptEndsTheListening) {
    ASSERT_NE(listen().word, nullptr);
    kernel::entry::end_idling();
    kernel::entry::on_timer();
    ASSERT_EQ(kernel::entry::next_thread(), nullptr);
    ASSERT_NE(kernel::entry::begin_to_listen().word, nullptr);
    ask();
    FakeMachine::become(kThere);
    kernel::entry::end_idling();
    EXPECT_TRUE(kernel::machine::this_cpu().reschedule);
    EXPECT_TRUE(server_has_it());
}

}  // namespace
}  // namespace shoal::test
