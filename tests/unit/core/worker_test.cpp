// VM's workers: faults, memory requests and replays, calls to kVm, the kernel's messages.
#include <gtest/gtest.h>

#include "abi/kernel_call_numbers.hpp"
#include "abi/memory.hpp"
#include "kernel/core/entry.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

class Workers : public ::testing::Test {
  protected:
    Workers() {
        for (uint16_t cpu = 0; cpu < 2; ++cpu) kernel::set_worker_entry(CpuId{cpu}, VirtualAddress{0x1000}, VirtualAddress{0});
        kernel::start_workers();
        machine.settle();
        for (uint16_t cpu = 0; cpu < 2; ++cpu) {
            worker[cpu] = kernel::vm_worker(CpuId{cpu}).endpoint();
            Message message;
            EXPECT_EQ(machine.call(worker[cpu], static_cast<uint64_t>(KernelCall::WorkerReady), message), Error::None);
            EXPECT_EQ(machine.call(worker[cpu], static_cast<uint64_t>(KernelCall::WorkerReady), message), Error::Invalid);
            EXPECT_EQ(machine.trap(worker[cpu], Trap::Receive, kNone), Error::DoNotReply);
        }
        program = machine.spawn(CpuId{1});
    }
    Message received(Endpoint who) { return FakeMachine::thread(who).registers.message(); }
    void fault() {
        FakeMachine::become(CpuId{1});
        kernel::entry::on_page_fault(*machine.turn(CpuId{1}), VirtualAddress{0x5000}, kFaultUser | kFaultWrite);
        machine.settle();
    }
    Error resume(uint64_t sequence, int64_t outcome = 0) {
        return machine.trap(worker[1], uint64_t{static_cast<uint8_t>(Trap::Resume)}, program,
                            Endpoint{static_cast<uint32_t>(sequence)}, {{static_cast<uint64_t>(outcome)}});
    }
    FakeMachine machine{2};
    Endpoint worker[2], program;
};

TEST_F(Workers, AFaultGoesToTheWorkerOfItsCpuAndBack) {
    fault();
    EXPECT_EQ(received(worker[1]).type(), kPageFault);
    EXPECT_EQ(received(worker[1]).source(), program);
    EXPECT_EQ(received(worker[1]).words[1], 0x5000u);
    EXPECT_TRUE(FakeMachine::thread(worker[1]).registers.rdi & kFromKernel);
    const uint64_t sequence = received(worker[1]).words[3];
    EXPECT_EQ(resume(sequence), Error::DoNotReply);
    EXPECT_EQ(machine.turn(CpuId{1}), &FakeMachine::thread(program));
}

// Its process is stopped while VM serves it: it is held when it would go on.
TEST_F(Workers, WhoIsStoppedInTheirHandsIsHeldThen) {
    const Endpoint manager = machine.spawn(CpuId{0});
    const auto call = [&](KernelCall what) {
        Message message{{0, program.raw()}};
        EXPECT_EQ(machine.call(manager, static_cast<uint64_t>(what), message), Error::None);
    };
    const auto state = [&] { return FakeMachine::thread(program).state; };
    fault();
    call(KernelCall::ProcessStop);
    EXPECT_EQ(state(), kernel::ThreadState::InVmHands);
    EXPECT_EQ(resume(received(worker[1]).words[3]), Error::DoNotReply);
    EXPECT_EQ(state(), kernel::ThreadState::Held);
    call(KernelCall::ProcessResume);
    EXPECT_EQ(machine.turn(CpuId{1}), &FakeMachine::thread(program));

    plain_space::set_absent(true);
    Message message{{0, plain_space::kBase, 2}};
    EXPECT_EQ(machine.call(program, static_cast<uint64_t>(KernelCall::ConsoleWrite), message), Error::DoNotReply);
    call(KernelCall::ProcessStop);
    EXPECT_EQ(resume(received(worker[1]).words[3]), Error::DoNotReply);
    EXPECT_EQ(state(), kernel::ThreadState::Held);
    EXPECT_TRUE(FakeMachine::console.empty());
    call(KernelCall::ProcessResume);
    EXPECT_EQ(FakeMachine::console.size(), 2u) << "the call is carried out anew";
    EXPECT_EQ(FakeMachine::outcome(program), Error::None);
}

TEST_F(Workers, AStaleResumeIsIgnored) {
    fault();
    EXPECT_EQ(resume(received(worker[1]).words[3] + 1), Error::DoNotReply);
    EXPECT_TRUE(FakeMachine::waits(program));
}

TEST_F(Workers, AnUnservableFaultKills) {
    fault();
    EXPECT_EQ(resume(received(worker[1]).words[3], to_register(Error::BadAddress)), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::thread(program).state, kernel::ThreadState::Dead);
    EXPECT_NE(FakeMachine::console.find("killed: bad address at address 0x5000"), std::string::npos);
}

TEST_F(Workers, ACallIsReplayedWhenItsPageIsThere) {
    plain_space::set_absent(true);
    Message message{{0, plain_space::kBase, 2, 0, 0, 0, 0, 0}};
    plain_space::memory(kernel::slot_of(*FakeMachine::thread(program).process))[0] = 'h';
    plain_space::memory(kernel::slot_of(*FakeMachine::thread(program).process))[1] = '\a';
    EXPECT_EQ(machine.call(program, static_cast<uint64_t>(KernelCall::ConsoleWrite), message), Error::DoNotReply);
    EXPECT_EQ(received(worker[1]).type(), kMemoryRequest);
    EXPECT_EQ(resume(received(worker[1]).words[3]), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::outcome(program), Error::None);
    EXPECT_EQ(FakeMachine::console, "h?");
}

TEST_F(Workers, KVmIsTheWorkerHereAndLearnsWhoCalls) {
    EXPECT_EQ(machine.trap(program, Trap::SendReceive, kVm, kAny, {{kVmCallBase + 2, 1, 2, 3, 4, 5, 6, 7}}), Error::DoNotReply);
    EXPECT_EQ(received(worker[1]).type(), kVmCallBase + 2);
    EXPECT_EQ(received(worker[1]).words[kVmCallerWord], FakeMachine::thread(program).process->id().raw());
    EXPECT_EQ(machine.trap(worker[1], Trap::ReplyReceive, program), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::outcome(program), Error::None);
    EXPECT_EQ(received(program).source(), kVm);
}

TEST_F(Workers, AnyWorkerMayAnswer) {
    const Endpoint other = machine.spawn(CpuId{0});
    EXPECT_EQ(machine.trap(program, Trap::SendReceive, kVm), Error::DoNotReply);
    EXPECT_EQ(machine.trap(other, Trap::SendReceive, kVm), Error::DoNotReply);
    EXPECT_EQ(machine.trap(worker[0], Trap::ReplyReceive, program), Error::DoNotReply);
    EXPECT_FALSE(FakeMachine::waits(program));
    EXPECT_TRUE(FakeMachine::waits(other));
}

TEST_F(Workers, CallsToAWorkerMelt) {
    const Endpoint other = machine.spawn(CpuId{0});
    EXPECT_EQ(machine.trap(other, Trap::SendReceive, kVm), Error::DoNotReply);    // keeps worker 0 busy
    EXPECT_EQ(machine.trap(program, Trap::SendReceive, kVm), Error::DoNotReply);  // makes worker 1 runnable
    for (int i = 0; i < 3; ++i) {
        Message message;
        EXPECT_EQ(machine.call(worker[1], static_cast<uint64_t>(KernelCall::WorkerCall), message), Error::None);
    }
    const uint64_t poll = uint64_t{static_cast<uint8_t>(Trap::Receive)} | kNonBlocking;
    EXPECT_EQ(machine.trap(worker[0], poll, kNone, kAny), Error::None);
    EXPECT_EQ(received(worker[0]).type(), kWorkerCalled);
    EXPECT_EQ(machine.trap(worker[0], poll, kNone, kAny), Error::NotReady);
}

}  // namespace
}  // namespace shoal::test
