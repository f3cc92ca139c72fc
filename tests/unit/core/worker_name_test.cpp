// VM is reached as kVm, whatever else its workers are called: nobody hangs or forges by another name.
#include <gtest/gtest.h>

#include "abi/grant.hpp"
#include "abi/kernel_call_numbers.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

// Parameter: the CPU whose worker is named; the program lives on CPU 0.
class WorkerNames : public ::testing::TestWithParam<uint16_t> {
  protected:
    WorkerNames() {
        for (uint16_t cpu = 0; cpu < 2; ++cpu) kernel::set_worker_entry(CpuId{cpu}, VirtualAddress{0x1000}, VirtualAddress{0});
        kernel::start_workers();
        machine.settle();
        for (uint16_t cpu = 0; cpu < 2; ++cpu) {
            const Endpoint name = kernel::vm_worker(CpuId{cpu}).endpoint();
            Message message;
            EXPECT_EQ(machine.call(name, static_cast<uint64_t>(KernelCall::WorkerReady), message), Error::None);
            EXPECT_EQ(machine.trap(name, Trap::Receive, kNone), Error::DoNotReply);
        }
        program = machine.spawn(CpuId{0});
    }
    FakeMachine machine{2};
    Endpoint worker = kernel::vm_worker(CpuId{GetParam()}).endpoint();
    Endpoint near = kernel::vm_worker(CpuId{0}).endpoint();
    Endpoint program;
};

TEST_P(WorkerNames, AreNoDestinationsAndNoSources) {
    for (const Trap trap : {Trap::Send, Trap::SendReceive, Trap::SendNonBlocking, Trap::Notify})
        EXPECT_EQ(machine.trap(program, trap, worker), Error::BadEndpoint) << static_cast<int>(trap);
    EXPECT_EQ(machine.trap(program, Trap::Receive, kNone, worker), Error::BadEndpoint);
    EXPECT_EQ(machine.trap(program, static_cast<uint64_t>(Trap::ReplyReceive) | kNonBlocking, worker, kAny), Error::NotReady);
    EXPECT_TRUE(FakeMachine::waits(worker));
    EXPECT_TRUE(FakeMachine::thread(worker).notified.empty());
}

TEST_P(WorkerNames, AreNoDestinationsWhileTheWorkerIsBusyEither) {
    ASSERT_EQ(machine.trap(machine.spawn(CpuId{GetParam()}), Trap::SendReceive, kVm), Error::DoNotReply);
    ASSERT_FALSE(FakeMachine::waits(worker));
    for (const Trap trap : {Trap::Send, Trap::SendReceive, Trap::SendNonBlocking})
        EXPECT_EQ(machine.trap(program, trap, worker), Error::BadEndpoint) << static_cast<int>(trap);
    EXPECT_TRUE(FakeMachine::thread(worker).callers.empty());
}

TEST_P(WorkerNames, AreNoDestinationsOfAsynchronousMessages) {
    auto* entry = reinterpret_cast<AsyncEntry*>(plain_space::memory(kernel::slot_of(*FakeMachine::thread(program).process)));
    entry[0] = {AsyncEntry::kValid, worker, 1, {kVmCallBase}};
    entry[1] = {AsyncEntry::kValid, kVm, 1, {kVmCallBase + 3}};
    EXPECT_EQ(machine.trap(program, Trap::SendAsync, kNone, kNone, {{0, plain_space::kBase, 2}}), Error::None);
    EXPECT_EQ(from_register(entry[0].result), Error::BadEndpoint);
    EXPECT_EQ(from_register(entry[1].result), Error::None);
    EXPECT_EQ(FakeMachine::thread(near).registers.message().type(), kVmCallBase + 3);
}

// A call that finds the worker busy waits for its turn, and then for an answer of kVm.
TEST_P(WorkerNames, ACallThatHadToQueueGetsItsAnswer) {
    const Endpoint first = machine.spawn(CpuId{0});
    EXPECT_EQ(machine.trap(first, Trap::SendReceive, kVm, kAny, {{kVmCallBase + 1}}), Error::DoNotReply);
    EXPECT_EQ(machine.trap(program, Trap::SendReceive, kVm, kAny, {{kVmCallBase + 2}}), Error::DoNotReply);
    EXPECT_EQ(machine.trap(near, Trap::ReplyReceive, first), Error::None);
    EXPECT_EQ(FakeMachine::thread(near).registers.message().source(), program);
    EXPECT_EQ(machine.trap(near, Trap::ReplyReceive, program, kAny, {{0, 42}}), Error::DoNotReply);
    ASSERT_FALSE(FakeMachine::waits(program));
    EXPECT_EQ(FakeMachine::thread(program).registers.message().source(), kVm);
    EXPECT_EQ(FakeMachine::thread(program).registers.message().words[1], 42u);
}

// Only VM answers those who wait for kVm.
TEST_P(WorkerNames, NobodyElseAnswersForVm) {
    EXPECT_EQ(machine.trap(program, Trap::SendReceive, kVm), Error::DoNotReply);
    const Endpoint forger = machine.spawn(CpuId{GetParam()});
    EXPECT_EQ(machine.trap(forger, static_cast<uint64_t>(Trap::ReplyReceive) | kNonBlocking, program, kAny), Error::NotReady);
    EXPECT_EQ(machine.trap(forger, Trap::SendNonBlocking, program), Error::NotReady);
    EXPECT_TRUE(FakeMachine::waits(program));
}

INSTANTIATE_TEST_SUITE_P(Same, WorkerNames, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Across, WorkerNames, ::testing::Values(1));

}  // namespace
}  // namespace shoal::test
