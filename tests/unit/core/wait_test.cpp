// wait_on_address, wake_address, alarms.
#include <gtest/gtest.h>

#include <cstring>

#include "abi/kernel_call_numbers.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

class Waits : public ::testing::Test {
  protected:
    Waits() {
        Message create{{0, 0x1000, 0x2000, 0, 0, 1, 0, 0}};
        EXPECT_EQ(machine.call(first, static_cast<uint64_t>(KernelCall::ThreadCreate), create), Error::None);
        second = Endpoint{static_cast<uint32_t>(create.words[1])};
        set_word(5);
    }
    void set_word(uint32_t value) {
        memcpy(plain_space::memory(kernel::slot_of(*FakeMachine::thread(first).process)), &value, sizeof(value));
    }
    Error wait(Endpoint who, uint64_t expected, uint64_t timeout = 0, uint64_t address = plain_space::kBase) {
        Message message{{0, address, expected, timeout, 0, 0, 0, 0}};
        return machine.call(who, static_cast<uint64_t>(KernelCall::WaitOnAddress), message);
    }
    uint64_t wake(Endpoint who, uint64_t count) {
        Message message{{0, plain_space::kBase, count, 0, 0, 0, 0, 0}};
        EXPECT_EQ(machine.call(who, static_cast<uint64_t>(KernelCall::WakeAddress), message), Error::None);
        return message.words[1];
    }
    FakeMachine machine{2};
    Endpoint first = machine.spawn(CpuId{0});
    Endpoint second;
};

TEST_F(Waits, SleepsUntilWokenAcrossCpus) {
    EXPECT_EQ(wake(second, 1), 0u);
    EXPECT_EQ(wait(first, 5), Error::DoNotReply);
    EXPECT_EQ(wake(second, 10), 1u);
    EXPECT_FALSE(FakeMachine::waits(first));
    EXPECT_EQ(FakeMachine::outcome(first), Error::None);
}

TEST_F(Waits, AnotherValueDoesNotSleep) { EXPECT_EQ(wait(first, 6), Error::Again); }

TEST_F(Waits, BadWordsAreRefused) {
    EXPECT_EQ(wait(first, 5, 0, plain_space::kBase + 2), Error::Invalid);
    EXPECT_EQ(wait(first, 5, 0, uint64_t{1} << 40), Error::BadAddress);
}

TEST_F(Waits, TimesOut) {
    EXPECT_EQ(wait(first, 5, 1000), Error::DoNotReply);
    machine.advance(999);
    EXPECT_TRUE(FakeMachine::waits(first));
    machine.advance(2);
    EXPECT_FALSE(FakeMachine::waits(first));
    EXPECT_EQ(FakeMachine::outcome(first), Error::TimedOut);
    EXPECT_EQ(wake(second, 1), 0u);
}

TEST_F(Waits, AnAlarmIsANotificationOfTheClock) {
    Message now;
    machine.call(first, static_cast<uint64_t>(KernelCall::Clock), now);
    Message alarm{{0, now.words[1] + 500, 0, 0, 0, 0, 0, 0}};
    EXPECT_EQ(machine.call(first, static_cast<uint64_t>(KernelCall::Alarm), alarm), Error::None);
    EXPECT_EQ(machine.trap(first, Trap::Receive, kNone), Error::DoNotReply);
    machine.advance(501);
    EXPECT_FALSE(FakeMachine::waits(first));
    EXPECT_EQ(FakeMachine::thread(first).registers.message().source(), kClock);
}

}  // namespace
}  // namespace shoal::test
