// Notifications and the end of their source: what it has notified of ends with it, and is not taken for its successor's.
#include <gtest/gtest.h>

#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/stopped_children.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

// Parameter: the CPU of the sources; the receiver lives on CPU 0.
class Notifications : public ::testing::TestWithParam<uint16_t> {
  protected:
    static constexpr uint64_t kPoll = static_cast<uint64_t>(Trap::Receive) | kNonBlocking;

    static uint32_t process_slot(Endpoint who) { return kernel::slot_of(*FakeMachine::thread(who).process); }
    void end(Endpoint who) {
        kernel::Cpu& cpu = kernel::tables.cpus[0];
        FakeMachine::become(CpuId{0});
        ASSERT_EQ(kernel::kill_process(cpu, *FakeMachine::thread(who).process, 1), Error::None);
        machine.settle();
    }
    // Its slots are free; another process has its process slot.
    Endpoint end_and_replace(Endpoint who) {
        const uint32_t slot = process_slot(who);
        end(who);
        kernel::Cpu& cpu = kernel::tables.cpus[0];
        EXPECT_TRUE(kernel::reap_process(cpu, kernel::tables.processes[kRsSlot]).ok());
        EXPECT_TRUE(kernel::release_process(cpu, who).ok());
        Endpoint next = machine.spawn(CpuId{GetParam()});
        while (process_slot(next) != slot) next = machine.spawn(CpuId{GetParam()});
        return next;
    }
    Error notify(Endpoint from) { return machine.trap(from, Trap::Notify, receiver); }
    Endpoint poll() {
        if (machine.trap(receiver, kPoll, kNone, kAny) != Error::None) return kNone;
        return FakeMachine::thread(receiver).registers.message().source();
    }
    FakeMachine machine{2, 8, 32};
    Endpoint receiver = machine.spawn(CpuId{0});
    Endpoint source = machine.spawn(CpuId{GetParam()});
    Endpoint other = machine.spawn(CpuId{GetParam()});
};

TEST_P(Notifications, OfTheDeadAreDropped) {
    ASSERT_EQ(notify(source), Error::None);
    ASSERT_EQ(notify(other), Error::None);
    end(source);
    EXPECT_EQ(poll(), other);
    EXPECT_EQ(poll(), kNone);
    EXPECT_EQ(FakeMachine::thread(receiver).pending, 0u);
}

TEST_P(Notifications, OfTheDeadAreNotTakenForTheirSuccessors) {
    ASSERT_EQ(notify(source), Error::None);
    const Endpoint next = end_and_replace(source);
    EXPECT_EQ(machine.trap(receiver, kPoll, kNone, next), Error::NotReady);
    EXPECT_EQ(poll(), kNone);
    ASSERT_EQ(notify(next), Error::None);
    EXPECT_EQ(poll(), next);
}

TEST_P(Notifications, OfASuccessorAreKeptWhenOthersEnd) {
    ASSERT_EQ(notify(source), Error::None);
    const Endpoint next = end_and_replace(source);
    ASSERT_EQ(notify(next), Error::None);
    end(other);
    EXPECT_EQ(poll(), next);
    EXPECT_EQ(poll(), kNone);
}

TEST_P(Notifications, AThreadThatWaitsGetsItBeforeTheEnd) {
    ASSERT_EQ(machine.trap(receiver, Trap::Receive, kNone), Error::DoNotReply);
    ASSERT_EQ(notify(source), Error::None);
    end(source);
    EXPECT_FALSE(FakeMachine::waits(receiver));
    EXPECT_EQ(FakeMachine::thread(receiver).registers.message().source(), source);
}

INSTANTIATE_TEST_SUITE_P(Same, Notifications, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Across, Notifications, ::testing::Values(1));

}  // namespace
}  // namespace shoal::test
