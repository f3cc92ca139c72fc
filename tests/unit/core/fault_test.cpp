// Page faults and Resume with real tables: what VM may do, what comes too late, what is forged.
#include "kernel/core/objects/stopped_children.hpp"
#include "tests/unit/core/paged_test.hpp"

namespace shoal::test {
namespace {

using kernel::ThreadState;
using Faults = PagedTest;

TEST_F(Faults, TheTableIsLinkedForThisCpuAndTheThreadRuns) {
    page(program, 3);
    const uint64_t sequence = fault(program, at(3));
    EXPECT_EQ(received(worker[0]).words[1], at(3).raw());
    EXPECT_EQ(received(worker[0]).words[4], process(program).id().raw());
    EXPECT_EQ(resume(worker[0], program, sequence, Error::None, table_of(program)), Error::DoNotReply);
    EXPECT_TRUE(mapped(program, at(3), CpuId{0}));
    EXPECT_FALSE(mapped(program, at(3), CpuId{1}));
    EXPECT_EQ(machine.turn(CpuId{0}), &FakeMachine::thread(program));
    EXPECT_NE(paged_space::loads(CpuId{0}).root.table.raw(), 0u);
}

TEST_F(Faults, AStaleResumeNeitherLinksNorRuns) {
    page(program, 3);
    const uint64_t sequence = fault(program, at(3));
    EXPECT_EQ(resume(worker[0], program, sequence + 1, Error::None, table_of(program)), Error::DoNotReply);
    EXPECT_FALSE(mapped(program, at(3), CpuId{0}));
    EXPECT_TRUE(FakeMachine::waits(program));
}

TEST_F(Faults, AFaultThatWaitsForTheWorkerCannotBeResumedYet) {
    fault(program, at(3));
    const uint64_t waiting = fault(other, at(4));
    EXPECT_EQ(resume(worker[0], other, waiting, Error::None, table_of(other)), Error::None);  // receives it now
    EXPECT_TRUE(FakeMachine::waits(other));
    EXPECT_EQ(received(worker[0]).source(), other);
    EXPECT_EQ(resume(worker[0], other, waiting), Error::DoNotReply);
    EXPECT_FALSE(FakeMachine::waits(other));
}

TEST_F(Faults, OnlyWorkersResume) {
    const uint64_t sequence = fault(program, at(3));
    EXPECT_EQ(resume(other, program, sequence), Error::TrapDenied);
    EXPECT_EQ(resume(far, program, sequence), Error::TrapDenied);
    EXPECT_TRUE(FakeMachine::waits(program));
}

TEST_F(Faults, AnotherCpusWorkerMayResumeButLinksNothing) {
    page(program, 3);
    const uint64_t sequence = fault(program, at(3));
    fault(far, at(1));
    EXPECT_EQ(resume(worker[1], program, sequence, Error::None, table_of(program)), Error::DoNotReply);
    EXPECT_FALSE(FakeMachine::waits(program));
    EXPECT_FALSE(mapped(program, at(3), CpuId{0}));
    EXPECT_FALSE(mapped(program, at(3), CpuId{1}));
}

TEST_F(Faults, BadLinksChangeNothingAndCanBeCorrected) {
    page(program, 3);
    const uint64_t sequence = fault(program, at(3));
    EXPECT_EQ(resume(worker[0], program, sequence, Error::None, PhysicalAddress{0x123}), Error::Invalid);
    EXPECT_TRUE(FakeMachine::waits(program));
    EXPECT_EQ(resume(worker[0], program, sequence, Error::None, table_of(program)), Error::DoNotReply);
    EXPECT_EQ(resume(worker[0], program, fault(program, at(3)), Error::None, paged_space::frame()), Error::Busy);
}

TEST_F(Faults, AThreadKilledInVmsHandsIsNotResumed) {
    const uint64_t sequence = fault(program, at(3));
    kill(program);
    EXPECT_EQ(FakeMachine::thread(program).state, ThreadState::Dead);
    EXPECT_EQ(resume(worker[0], program, sequence, Error::None, table_of(program)), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::thread(program).state, ThreadState::Dead);
}

TEST_F(Faults, AThreadKilledWhileItWaitsForTheWorkerIsForgotten) {
    const uint64_t sequence = fault(program, at(3));
    fault(other, at(4));
    kill(other);
    EXPECT_EQ(resume(worker[0], program, sequence), Error::DoNotReply);  // nothing else to receive
}

// VM has changed an entry and counts on the flush before anybody else of that space runs here, whoever asked.
TEST_F(Faults, TheFlushTakesPlaceThoughTheThreadIsDead) {
    page(program, 3);
    link(program);
    const auto slot = kernel::space::SpaceSlot::of(process(program).id());
    const uint64_t sequence = fault(program, at(5));
    kill(program);
    EXPECT_EQ(resume(worker[0], program, sequence, Error::None, {}, kFlushPartner), Error::DoNotReply);
    const uint64_t before = paged_space::loads(CpuId{0}).flushing;
    FakeMachine::become(CpuId{0});
    kernel::tables.cpus[0].spaces->load(slot);
    EXPECT_EQ(paged_space::loads(CpuId{0}).flushing, before + 1);
}

TEST_F(Faults, TheFlushTakesPlaceThoughTheCallerIsDead) {
    page(program, 3);
    link(program);
    const auto slot = kernel::space::SpaceSlot::of(process(program).id());
    EXPECT_EQ(machine.trap(program, Trap::SendReceive, kVm), Error::DoNotReply);
    kill(program);
    EXPECT_EQ(machine.trap(worker[0], static_cast<uint64_t>(Trap::ReplyReceive) | kFlushPartner, program, kAny), Error::DoNotReply);
    const uint64_t before = paged_space::loads(CpuId{0}).flushing;
    FakeMachine::become(CpuId{0});
    kernel::tables.cpus[0].spaces->load(slot);
    EXPECT_EQ(paged_space::loads(CpuId{0}).flushing, before + 1);
}

// The worker answers a request about a space that has been destroyed and whose slot has another process by now.
TEST_F(Faults, ATableIsNotLinkedIntoTheNextSpaceOfTheSlot) {
    page(program, 0);
    link(program);
    ASSERT_EQ(call(program, KernelCall::Copy, {other.raw(), at(7).raw(), kSelf.raw(), at(0).raw(), 8}), Error::DoNotReply);
    const uint64_t request = received(worker[0]).words[3];
    const uint32_t slot = kernel::slot_of(process(other));
    EXPECT_EQ(received(worker[0]).words[4], process(other).id().raw());
    const PhysicalAddress old_table = table_of(other);
    page(other, 7);
    kill(other);
    kernel::Cpu& cpu0 = kernel::tables.cpus[0];
    ASSERT_TRUE(kernel::reap_process(cpu0, kernel::tables.processes[kRsSlot]).ok());
    ASSERT_TRUE(kernel::release_process(cpu0, other).ok());
    Endpoint next = kNone;
    while (next == kNone || kernel::slot_of(process(next)) != slot) next = machine.spawn(CpuId{0});
    page(next, 1);
    const uint64_t sequence = fault(next, kLeaf);
    ASSERT_EQ(resume(worker[0], program, request + 1), Error::None);  // receives the fault
    ASSERT_EQ(resume(worker[0], next, sequence, Error::None), Error::DoNotReply);
    fault(next, kLeaf);
    resume(worker[0], program, request, Error::None, old_table);
    EXPECT_FALSE(mapped(next, at(7), CpuId{0}));
}

}  // namespace
}  // namespace shoal::test
