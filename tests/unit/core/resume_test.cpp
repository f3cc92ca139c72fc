// Answers to faults from workers of other CPUs: each fault is resumed exactly once, whatever else is on its way.
#include <gtest/gtest.h>

#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/objects/death.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

class Resumes : public ::testing::Test {
  protected:
    static constexpr uint64_t kResume = static_cast<uint64_t>(Trap::Resume), kPoll = kNonBlocking;

    Resumes() {
        for (uint16_t cpu = 0; cpu < 3; ++cpu) kernel::set_worker_entry(CpuId{cpu}, VirtualAddress{0x1000}, VirtualAddress{0});
        kernel::start_workers();
        machine.settle();
        for (uint16_t cpu = 0; cpu < 3; ++cpu) {
            worker[cpu] = kernel::vm_worker(CpuId{cpu}).endpoint();
            Message message;
            EXPECT_EQ(machine.call(worker[cpu], static_cast<uint64_t>(KernelCall::WorkerReady), message), Error::None);
            EXPECT_EQ(machine.trap(worker[cpu], Trap::Receive, kNone), Error::DoNotReply);
        }
        program = machine.spawn(CpuId{1});
        for (uint16_t cpu : {uint16_t{0}, uint16_t{2}})  // has the worker run
            EXPECT_EQ(machine.trap(machine.spawn(CpuId{cpu}), Trap::SendReceive, kVm), Error::DoNotReply);
    }
    uint32_t fault() {
        FakeMachine::become(CpuId{1});
        kernel::entry::on_page_fault(*machine.turn(CpuId{1}), VirtualAddress{0x5000}, kFaultUser);
        machine.settle();
        return static_cast<uint32_t>(FakeMachine::thread(worker[1]).registers.message().words[3]);
    }
    void resume(Endpoint by, uint32_t sequence, Error outcome = Error::None) {
        machine.enter(by, kResume | kPoll, program, Endpoint{sequence}, {{static_cast<uint64_t>(to_register(outcome))}});
    }
    FakeMachine machine{3};
    Endpoint worker[3], program;
};

TEST_F(Resumes, AStaleAnswerOnItsWayDoesNotSwallowTheRightOne) {
    const uint32_t sequence = fault();
    resume(worker[0], sequence - 1);
    resume(worker[0], sequence);
    EXPECT_TRUE(FakeMachine::waits(worker[0])) << "until its own node is back";
    machine.settle();
    EXPECT_FALSE(FakeMachine::waits(program));
    EXPECT_EQ(FakeMachine::outcome(worker[0]), Error::NotReady) << "it polled, and nothing was there";
}

TEST_F(Resumes, TheRightOneComesFromAThirdCpu) {
    const uint32_t sequence = fault();
    resume(worker[0], sequence + 7);
    resume(worker[2], sequence);
    machine.settle();
    EXPECT_FALSE(FakeMachine::waits(program));
    EXPECT_FALSE(FakeMachine::waits(worker[2]));
}

TEST_F(Resumes, TheSecondAnswerToOneFaultDoesNothing) {
    const uint32_t sequence = fault();
    resume(worker[0], sequence);
    resume(worker[2], sequence, Error::BadAddress);  // would kill
    machine.settle();
    EXPECT_FALSE(FakeMachine::waits(program));
    EXPECT_EQ(machine.trap(worker[1], Trap::Receive, kNone), Error::DoNotReply);
    EXPECT_EQ(fault(), sequence + 1);
    resume(worker[2], sequence);
    machine.settle();
    EXPECT_TRUE(FakeMachine::waits(program));
}

TEST_F(Resumes, AnOutcomeTravelsInTheWorkersNode) {
    const uint32_t sequence = fault();
    resume(worker[0], sequence - 1);
    resume(worker[2], sequence, Error::BadAddress);
    machine.settle();
    EXPECT_EQ(FakeMachine::thread(program).state, kernel::ThreadState::Dead);
    EXPECT_NE(FakeMachine::console.find("killed: bad address at address 0x5000"), std::string::npos);
}

TEST_F(Resumes, AWorkerThatAskedReceivesWhatCameMeanwhile) {
    const uint32_t sequence = fault();
    const Endpoint caller = machine.spawn(CpuId{0});
    resume(worker[0], sequence - 1);
    machine.enter(worker[0], kResume, program, Endpoint{sequence}, {{0}});
    machine.enter(caller, Trap::SendReceive, kVm, kAny, {{kVmCallBase + 9}});
    machine.settle();
    EXPECT_FALSE(FakeMachine::waits(program));
    ASSERT_FALSE(FakeMachine::waits(worker[0]));
    EXPECT_EQ(FakeMachine::thread(worker[0]).registers.message().source(), caller);
    EXPECT_EQ(machine.trap(worker[0], Trap::ReplyReceive, caller), Error::DoNotReply);
    EXPECT_FALSE(FakeMachine::waits(caller));
}

TEST_F(Resumes, TheThreadDiesWhileBothAreOnTheirWay) {
    const uint32_t sequence = fault();
    resume(worker[0], sequence - 1);
    resume(worker[2], sequence);
    FakeMachine::become(CpuId{0});
    ASSERT_EQ(kernel::kill_process(kernel::tables.cpus[0], *FakeMachine::thread(program).process, 1), Error::None);
    machine.settle();
    EXPECT_EQ(FakeMachine::thread(program).state, kernel::ThreadState::Dead);
    EXPECT_EQ(FakeMachine::thread(program).nodes_out, 0u);
    EXPECT_FALSE(FakeMachine::waits(worker[2]));
}

}  // namespace
}  // namespace shoal::test
