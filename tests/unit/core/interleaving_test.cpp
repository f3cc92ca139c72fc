// Interleavings of CPUs that once broke the IPC protocol, found by the Promela models (tests/model/spin), each played step by step.
#include <gtest/gtest.h>

#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/machine.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

using kernel::ThreadState;

class Interleavings : public ::testing::Test {
  protected:
    static kernel::Thread& thread(Endpoint who) { return FakeMachine::thread(who); }
    Message received(Endpoint who) { return thread(who).registers.message(); }
    // The sender's wait is said to close a cycle; its withdraw node sets out.
    static void withdraw(Endpoint who) {
        FakeMachine::become(thread(who).home_cpu());
        kernel::withdraw(kernel::machine::this_cpu(), thread(who), Error::Locked);
    }
    // A second thread of the process, on a CPU of its own.
    Endpoint helper_of(Endpoint who, CpuId cpu) {
        Message create{{0, 0x1000, 0x2000, 0, 0, cpu.raw(), 0, 0}};
        EXPECT_EQ(machine.call(who, static_cast<uint64_t>(KernelCall::ThreadCreate), create), Error::None);
        return Endpoint{static_cast<uint32_t>(create.words[1])};
    }
    void set_affinity(Endpoint by, Endpoint of, CpuId cpu) {
        machine.enter_call(by, static_cast<uint64_t>(KernelCall::ThreadAffinity), {{0, of.raw(), cpu.raw()}});
    }
    // Runs on its CPU instead of whoever does now.
    void take_cpu(Endpoint who) { machine.enter(who, uint64_t{7}, kNone); }

    static constexpr CpuId kA{0}, kB{1}, kC{2}, kD{3};
    FakeMachine machine{4};
};

// Completed, the reply and the returning withdraw node lie in one mailbox. A sender that waited for the last of them before it went
// on would not be receiving when the reply is handled.
TEST_F(Interleavings, TheReplyMeetsASenderWhoseWithdrawNodeIsAway) {
    const Endpoint client = machine.spawn(kA), server = machine.spawn(kB);
    machine.enter(client, Trap::SendReceive, server, kAny, {{5}});
    machine.turn(kB);
    ASSERT_TRUE(thread(client).queue_link.linked());
    withdraw(client);
    machine.enter(server, Trap::Receive, kNone);
    machine.enter(server, Trap::ReplyReceive, client, kAny, {{6, 66}});
    machine.turn(kB);
    machine.turn(kA);
    EXPECT_EQ(thread(client).state, ThreadState::Ready);
    EXPECT_EQ(FakeMachine::outcome(client), Error::None);
    EXPECT_EQ(received(client).words[1], 66u);
    machine.settle();
    EXPECT_FALSE(thread(client).is(kernel::kWithdrawing));
    EXPECT_EQ(thread(client).withdrawn.load(), 0u);
}

// A receiver that moves lets a withdrawal of the first send arrive after the second: they are told apart by their number.
TEST_F(Interleavings, ALateWithdrawalLeavesTheNextSendAlone) {
    const Endpoint sender = machine.spawn(kA), receiver = machine.spawn(kB), neighbour = machine.spawn(kB);
    const Endpoint helper = helper_of(receiver, kD);
    machine.enter(sender, Trap::Send, receiver, kAny, {{1}});
    machine.turn(kB);
    ASSERT_TRUE(thread(sender).queue_link.linked());
    set_affinity(helper, receiver, kC);  // lies before the withdrawal in B's mailbox
    withdraw(sender);
    machine.enter(receiver, Trap::Receive, kNone);
    EXPECT_EQ(received(receiver).type(), 1u);
    take_cpu(neighbour);
    machine.turn(kA);
    FakeMachine::on_ipi = [&](CpuId) {  // the receiver has just left for C
        EXPECT_EQ(thread(receiver).home_cpu(), kC);
        machine.enter(sender, Trap::Send, receiver, kAny, {{2}});
    };
    machine.turn(kB);
    machine.turn(kC);
    EXPECT_EQ(thread(sender).state, ThreadState::Sending);
    EXPECT_TRUE(thread(sender).queue_link.linked());
    machine.settle();
    EXPECT_EQ(machine.trap(receiver, Trap::Receive, kNone), Error::None);
    EXPECT_EQ(received(receiver).type(), 2u);
    EXPECT_EQ(FakeMachine::outcome(sender), Error::None);
}

// The partner waits for somebody whose answer lies unread in this CPU's mailbox, and who then waits for the sender: no cycle. A
// walk that began at once would see one.
TEST_F(Interleavings, AnAnswerInTheMailboxEndsAChain) {
    const Endpoint sender = machine.spawn(kA), notifier = machine.spawn(kA), middle = machine.spawn(kB), server = machine.spawn(kC);
    ASSERT_EQ(machine.trap(server, Trap::Receive, kNone), Error::DoNotReply);
    ASSERT_EQ(machine.trap(middle, Trap::SendReceive, server), Error::DoNotReply);
    machine.enter(notifier, Trap::Notify, middle);
    machine.enter(sender, Trap::Send, middle, kAny, {{3}});
    machine.turn(kA);
    bool acted = false;
    FakeMachine::on_ipi = [&](CpuId target) {  // B answers the notifier, and has yet to look at the send
        EXPECT_EQ(target, kA);
        machine.enter(server, static_cast<uint64_t>(Trap::ReplyReceive) | kNonBlocking, middle);
        machine.enter(server, Trap::Send, sender, kAny, {{4}});
        acted = true;
    };
    machine.turn(kB);
    ASSERT_TRUE(acted);
    machine.settle();
    EXPECT_EQ(thread(middle).state, ThreadState::Ready);
    EXPECT_EQ(thread(sender).state, ThreadState::Sending) << error_text(FakeMachine::outcome(sender));
    EXPECT_EQ(thread(server).state, ThreadState::Sending) << error_text(FakeMachine::outcome(server));
    EXPECT_EQ(machine.trap(middle, Trap::Receive, kNone), Error::None);  // its notification
    EXPECT_EQ(machine.trap(middle, Trap::Receive, kNone), Error::None);
    EXPECT_EQ(received(middle).type(), 3u);
    EXPECT_FALSE(FakeMachine::waits(sender));
}

// A probe on its way home passes its initiator, which has gone on and moves: the new home handles it.
TEST_F(Interleavings, AProbeComesHomeToWhereHomeIsNow) {
    const Endpoint initiator = machine.spawn(kA), partner = machine.spawn(kB);
    machine.spawn(kA);  // has the CPU once the initiator waits
    const Endpoint helper = helper_of(initiator, kD);
    machine.enter(initiator, Trap::Receive, kNone, partner);
    const auto node_is_away = [&] { return thread(initiator).probe.claimable.load() == 0; };
    ASSERT_TRUE(node_is_away());
    machine.enter(partner, Trap::Send, initiator, kAny, {{5}});
    machine.turn(kA);
    ASSERT_EQ(thread(initiator).state, ThreadState::Ready);
    set_affinity(helper, initiator, kC);
    machine.turn(kB);  // the probe lies behind the affinity
    machine.turn(kA);
    ASSERT_EQ(thread(initiator).home_cpu(), kC);
    EXPECT_TRUE(node_is_away());
    machine.turn(kC);
    EXPECT_FALSE(node_is_away());
    EXPECT_EQ(thread(initiator).state, ThreadState::Ready);
}

// Likewise the withdraw node of a sender that was served all the same.
TEST_F(Interleavings, AWithdrawNodeComesHomeToWhereHomeIsNow) {
    const Endpoint sender = machine.spawn(kA), receiver = machine.spawn(kB);
    machine.spawn(kA);
    const Endpoint helper = helper_of(sender, kD);
    machine.enter(sender, Trap::Send, receiver);
    machine.turn(kB);
    withdraw(sender);
    machine.enter(receiver, Trap::Receive, kNone);
    machine.turn(kA);
    ASSERT_EQ(thread(sender).state, ThreadState::Ready);
    set_affinity(helper, sender, kC);
    machine.turn(kB);
    machine.turn(kA);
    ASSERT_EQ(thread(sender).home_cpu(), kC);
    EXPECT_TRUE(thread(sender).is(kernel::kWithdrawing));
    machine.turn(kC);
    EXPECT_FALSE(thread(sender).is(kernel::kWithdrawing));
}

// A worker asks nobody, so nothing is an answer to it; the word that says who calls would be the sender's.
TEST_F(Interleavings, RepliesToWorkersAreDropped) {
    for (const CpuId cpu : {kA, kB, kC, kD}) kernel::set_worker_entry(cpu, VirtualAddress{0x1000}, VirtualAddress{0});
    kernel::start_workers();
    machine.settle();
    const Endpoint worker = kernel::vm_worker(kB).endpoint();
    Message ready;
    ASSERT_EQ(machine.call(worker, static_cast<uint64_t>(KernelCall::WorkerReady), ready), Error::None);
    ASSERT_EQ(machine.trap(worker, Trap::Receive, kNone), Error::DoNotReply);
    for (const CpuId cpu : {kA, kB}) {
        const Endpoint forger = machine.spawn(cpu);
        EXPECT_EQ(machine.trap(forger, Trap::ReplyReceive, worker, kAny, {{kVmCallBase, 0, 0, 0, 0, 0, 0, ~uint64_t{0}}}),
                  Error::DoNotReply);
        EXPECT_TRUE(FakeMachine::waits(worker)) << "from CPU " << cpu.raw();
    }
}

}  // namespace
}  // namespace shoal::test
