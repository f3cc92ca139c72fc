// The rest of the table of errors in kernel/core/ipc/README.md: names that are none, sources, oneself, VM before it is there.
#include <gtest/gtest.h>

#include "abi/grant.hpp"
#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/objects/death.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

constexpr Trap kSends[] = {Trap::Send, Trap::SendReceive, Trap::SendNonBlocking, Trap::Notify};
constexpr uint64_t kPoll = static_cast<uint64_t>(Trap::Receive) | kNonBlocking;

// Parameter: the CPU on which the partner lives; the caller lives on CPU 0.
class Refusals : public ::testing::TestWithParam<uint16_t> {
  protected:
    Error receive(Endpoint who, Endpoint from) { return machine.trap(who, Trap::Receive, kNone, from); }
    void post_kill(Endpoint who) {
        FakeMachine::become(FakeMachine::thread(who).home_cpu());
        kernel::Cpu& cpu = kernel::tables.cpus[FakeMachine::thread(who).home_cpu().index()];
        ASSERT_EQ(kernel::kill_process(cpu, *FakeMachine::thread(who).process, 1), Error::None);
    }
    FakeMachine machine{2, 300, 320};
    Endpoint caller = machine.spawn(CpuId{0});
    Endpoint partner = machine.spawn(CpuId{GetParam()});
};

TEST_P(Refusals, DestinationsThatAreNone) {
    for (const Trap trap : kSends) {
        for (const Endpoint reserved : {kAny, kNone}) EXPECT_EQ(machine.trap(caller, trap, reserved), Error::Invalid);
        for (const Endpoint reserved : {kSelf, kKernel, kClock, kAsync})
            EXPECT_EQ(machine.trap(caller, trap, reserved), Error::BadEndpoint);
        EXPECT_EQ(machine.trap(caller, trap, Endpoint::of(319, 0)), Error::BadEndpoint) << "no generation";
        EXPECT_EQ(machine.trap(caller, trap, Endpoint::of(0x7fff, 1)), Error::BadEndpoint) << "no such slot";
        EXPECT_EQ(machine.trap(caller, trap, Endpoint::of(319, 1)), Error::DeadEndpoint);
        EXPECT_EQ(machine.trap(caller, trap, Endpoint::of(partner.slot(), 9)), Error::DeadEndpoint);
    }
}

TEST_P(Refusals, SourcesThatAreNone) {
    EXPECT_EQ(receive(caller, kNone), Error::Invalid);
    EXPECT_EQ(receive(caller, kSelf), Error::BadEndpoint);
    EXPECT_EQ(receive(caller, Endpoint::of(319, 0)), Error::BadEndpoint);
    EXPECT_EQ(receive(caller, Endpoint::of(319, 1)), Error::DeadEndpoint);
    EXPECT_EQ(receive(caller, caller), Error::Locked);
    EXPECT_EQ(machine.trap(caller, kPoll, kNone, partner), Error::NotReady);
}

TEST_P(Refusals, AReplysReceivingHalfHasTheSameErrors) {
    EXPECT_EQ(machine.trap(caller, Trap::ReplyReceive, partner, kNone), Error::Invalid);
    EXPECT_EQ(machine.trap(caller, Trap::ReplyReceive, partner, caller), Error::Locked);
    EXPECT_EQ(machine.trap(caller, Trap::ReplyReceive, partner, Endpoint::of(319, 1)), Error::DeadEndpoint);
    EXPECT_EQ(machine.trap(caller, static_cast<uint64_t>(Trap::ReplyReceive) | kNonBlocking, partner, kAny), Error::NotReady);
}

TEST_P(Refusals, Oneself) {
    EXPECT_EQ(machine.trap(caller, Trap::Send, caller), Error::Locked);
    EXPECT_EQ(machine.trap(caller, Trap::SendReceive, caller), Error::Locked);
    EXPECT_EQ(machine.trap(caller, Trap::SendNonBlocking, caller), Error::NotReady) << "it is not receiving";
    EXPECT_EQ(machine.trap(caller, Trap::Notify, caller), Error::None);
    EXPECT_EQ(receive(caller, caller), Error::None) << "its own notification";
}

TEST_P(Refusals, VmBeforeItIsThere) {
    for (const Trap trap : {Trap::Send, Trap::SendReceive, Trap::SendNonBlocking})
        EXPECT_EQ(machine.trap(caller, trap, kVm), Error::NotReady);
    EXPECT_EQ(machine.trap(caller, Trap::Notify, kVm), Error::BadEndpoint);
}

TEST_P(Refusals, WorkersStayOnTheirCpus) {
    kernel::set_worker_entry(CpuId{0}, VirtualAddress{0x1000}, VirtualAddress{0});
    kernel::start_workers();
    machine.settle();
    const Endpoint worker = kernel::vm_worker(CpuId{0}).endpoint();
    Message message{{0, kSelf.raw(), 1}};
    EXPECT_EQ(machine.call(worker, static_cast<uint64_t>(KernelCall::ThreadAffinity), message), Error::Permission);
}

// The partner dies while the request is on its way to it, or in its mailbox.
TEST_P(Refusals, ThePartnerDiesFirst) {
    for (const Trap trap : kSends) {
        const Endpoint doomed = machine.spawn(CpuId{GetParam()});
        post_kill(doomed);
        machine.enter(caller, trap, doomed);
        machine.settle();
        ASSERT_FALSE(FakeMachine::waits(caller)) << static_cast<int>(trap);
        const Error outcome = FakeMachine::outcome(caller);
        const bool here = GetParam() == 0;  // where the request waits in a queue until its mail is read
        const bool queued = here && (trap == Trap::Send || trap == Trap::SendReceive);
        Error expected = Error::DeadEndpoint;
        if (here) expected = queued ? Error::DeadSourceOrDestination : trap == Trap::Notify ? Error::None : Error::NotReady;
        EXPECT_EQ(outcome, expected) << static_cast<int>(trap);
    }
}

TEST_P(Refusals, TheSourceDiesWhileItIsWaitedFor) {
    const Endpoint doomed = machine.spawn(CpuId{GetParam()});
    ASSERT_EQ(receive(caller, doomed), Error::DoNotReply);
    post_kill(doomed);
    machine.settle();
    EXPECT_EQ(FakeMachine::outcome(caller), Error::DeadSourceOrDestination);
}

// Its mark comes too late for the dying source's home to see, so it has to look at the name again itself.
TEST_P(Refusals, TheSourceDiesBeforeTheWaitBegins) {
    const Endpoint doomed = machine.spawn(CpuId{GetParam()});
    post_kill(doomed);
    machine.enter(caller, Trap::Receive, kNone, doomed);
    machine.settle();
    ASSERT_FALSE(FakeMachine::waits(caller));
    EXPECT_EQ(FakeMachine::outcome(caller), Error::DeadSourceOrDestination);
}

TEST_P(Refusals, ProcessesBeyondTheFirst256NeitherNotifyNorSendAsynchronously) {
    Endpoint last = caller;
    while (kernel::slot_of(*FakeMachine::thread(last).process) < kernel::NotificationSet::kSources) last = machine.spawn(CpuId{0});
    EXPECT_EQ(machine.trap(last, Trap::Notify, partner), Error::CallDenied);
    EXPECT_EQ(machine.trap(last, Trap::SendAsync, kNone, kNone, {{0, plain_space::kBase, 0}}), Error::Permission);
    EXPECT_EQ(machine.trap(last, Trap::Send, partner), Error::DoNotReply);
}

TEST_P(Refusals, OnlyFirstThreadsSendAsynchronously) {
    Message create{{0, 0x1000, 0x2000, 0, 0, 0, 0, 0}};
    ASSERT_EQ(machine.call(caller, static_cast<uint64_t>(KernelCall::ThreadCreate), create), Error::None);
    const Endpoint second{static_cast<uint32_t>(create.words[1])};
    EXPECT_EQ(machine.trap(second, Trap::SendAsync, kNone, kNone, {{0, plain_space::kBase, 0}}), Error::Permission);
}

INSTANTIATE_TEST_SUITE_P(Same, Refusals, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Across, Refusals, ::testing::Values(1));

}  // namespace
}  // namespace shoal::test
