// Every error of the traps, on one CPU and across two.
#include <gtest/gtest.h>

#include "kernel/core/objects/death.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

// Parameter: the CPU on which the partner lives; the caller lives on CPU 0.
class IpcErrors : public ::testing::TestWithParam<uint16_t> {
  protected:
    CpuId there() const { return CpuId{GetParam()}; }
    FakeMachine machine{2};
    Endpoint caller = machine.spawn(CpuId{0});
    Endpoint partner = machine.spawn(there());
};

TEST_P(IpcErrors, UnknownTrapsAreBadCalls) {
    EXPECT_EQ(machine.trap(caller, uint64_t{7}, partner, kAny), Error::BadCall);
    EXPECT_EQ(machine.trap(caller, uint64_t{200}, partner, kAny), Error::BadCall);
    EXPECT_EQ(machine.trap(caller, uint64_t{1} << 40 | 1, partner, kAny), Error::BadCall);
}

TEST_P(IpcErrors, TrapsOutsideTheMaskAreDenied) {
    Privileges few = FakeMachine::everything();
    few.trap_mask = trap_bit(Trap::SendReceive);
    const Endpoint user = machine.spawn(CpuId{0}, few);
    EXPECT_EQ(machine.trap(user, Trap::Send, partner), Error::TrapDenied);
    EXPECT_EQ(machine.trap(user, Trap::SendReceive, partner), Error::DoNotReply);
}

TEST_P(IpcErrors, ResumeIsForWorkersOnly) { EXPECT_EQ(machine.trap(caller, Trap::Resume, partner), Error::TrapDenied); }

TEST_P(IpcErrors, DestinationsOutsideTheMaskAreDenied) {
    Privileges mute = FakeMachine::everything();
    for (uint64_t& word : mute.send_mask) word = 0;
    const Endpoint user = machine.spawn(CpuId{0}, mute);
    EXPECT_EQ(machine.trap(user, Trap::Send, partner), Error::CallDenied);
    EXPECT_EQ(machine.trap(user, Trap::SendNonBlocking, partner), Error::CallDenied);
    EXPECT_EQ(machine.trap(user, Trap::Notify, partner), Error::CallDenied);
}

TEST_P(IpcErrors, AReplyNeedsNoPrivilege) {
    Privileges mute = FakeMachine::everything();
    for (uint64_t& word : mute.send_mask) word = 0;
    const Endpoint server = machine.spawn(CpuId{0}, mute);
    EXPECT_EQ(machine.trap(server, Trap::Receive, kAny), Error::DoNotReply);
    EXPECT_EQ(machine.trap(partner, Trap::SendReceive, server), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::outcome(server), Error::None);
    EXPECT_EQ(machine.trap(server, Trap::SendNonBlocking, partner), Error::None);
    EXPECT_EQ(FakeMachine::outcome(partner), Error::None);
    EXPECT_FALSE(FakeMachine::waits(partner));
}

TEST_P(IpcErrors, UsersMayNotNotify) {
    const Endpoint user = machine.spawn(CpuId{0}, 0);
    EXPECT_EQ(machine.trap(user, Trap::Notify, partner), Error::CallDenied);
}

TEST_P(IpcErrors, NamesOfNobody) {
    EXPECT_EQ(machine.trap(caller, Trap::Send, kAny), Error::Invalid);
    EXPECT_EQ(machine.trap(caller, Trap::Send, Endpoint{0x7fff}), Error::BadEndpoint);
    EXPECT_EQ(machine.trap(caller, Trap::Send, Endpoint::of(127, 1)), Error::DeadEndpoint);
    EXPECT_EQ(machine.trap(caller, Trap::Send, caller), Error::Locked);
}

TEST_P(IpcErrors, NonBlockingNeedsAWaitingReceiver) {
    EXPECT_EQ(machine.trap(caller, Trap::SendNonBlocking, partner), Error::NotReady);
    EXPECT_EQ(machine.trap(caller, uint64_t{static_cast<uint8_t>(Trap::Receive)} | kNonBlocking, kNone, kAny), Error::NotReady);
    EXPECT_EQ(machine.trap(partner, Trap::Receive, kAny), Error::DoNotReply);
    EXPECT_EQ(machine.trap(caller, Trap::SendNonBlocking, partner), Error::None);
    EXPECT_EQ(FakeMachine::outcome(partner), Error::None);
}

TEST_P(IpcErrors, TheDeadAnswerNobody) {
    EXPECT_EQ(machine.trap(caller, Trap::SendReceive, partner), Error::DoNotReply);
    const Endpoint other = machine.spawn(CpuId{0});
    EXPECT_EQ(machine.trap(other, Trap::Receive, kNone, partner), Error::DoNotReply);
    FakeMachine::become(CpuId{0});
    EXPECT_EQ(kernel::kill_process(kernel::tables.cpus[0], *FakeMachine::thread(partner).process, 1), Error::None);
    machine.settle();
    EXPECT_FALSE(FakeMachine::waits(caller));
    EXPECT_EQ(FakeMachine::outcome(caller), Error::DeadSourceOrDestination);
    EXPECT_FALSE(FakeMachine::waits(other));
    EXPECT_EQ(FakeMachine::outcome(other), Error::DeadSourceOrDestination);
    EXPECT_EQ(machine.trap(caller, Trap::Send, partner), Error::DeadEndpoint);
}

TEST_P(IpcErrors, DeathAfterTheRequestWasTaken) {
    EXPECT_EQ(machine.trap(partner, Trap::Receive, kAny), Error::DoNotReply);
    EXPECT_EQ(machine.trap(caller, Trap::SendReceive, partner), Error::DoNotReply);
    FakeMachine::become(CpuId{1});
    kernel::kill_process(kernel::tables.cpus[1], *FakeMachine::thread(partner).process, 1);
    machine.settle();
    EXPECT_EQ(FakeMachine::outcome(caller), Error::DeadSourceOrDestination);
}

TEST_P(IpcErrors, ASenderThatDiesLeavesNoTrace) {
    EXPECT_EQ(machine.trap(caller, Trap::Send, partner), Error::DoNotReply);
    FakeMachine::become(there());
    kernel::kill_process(kernel::tables.cpus[there().index()], *FakeMachine::thread(caller).process, 1);
    machine.settle();
    EXPECT_EQ(FakeMachine::thread(caller).state, kernel::ThreadState::Dead);
    EXPECT_EQ(machine.trap(partner, uint64_t{static_cast<uint8_t>(Trap::Receive)} | kNonBlocking, kNone, kAny), Error::NotReady);
}

TEST_P(IpcErrors, KernelCallNumbersAndRights) {
    Message message;
    EXPECT_EQ(machine.call(caller, 99, message), Error::BadRequest);
    EXPECT_EQ(machine.call(caller, uint64_t{1} << 33, message), Error::BadRequest);
    EXPECT_EQ(machine.call(caller, 23, message), Error::CallDenied);  // lend_area
    Privileges none = FakeMachine::everything();
    none.kernel_call_mask[0] = 0;
    const Endpoint user = machine.spawn(CpuId{0}, none);
    EXPECT_EQ(machine.call(user, 1, message), Error::CallDenied);  // process_create
    EXPECT_EQ(machine.call(user, 13, message), Error::None);       // clock
}

INSTANTIATE_TEST_SUITE_P(Same, IpcErrors, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Across, IpcErrors, ::testing::Values(1));

}  // namespace
}  // namespace shoal::test
