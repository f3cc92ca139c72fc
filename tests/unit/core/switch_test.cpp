// What a change of threads loads on its CPU, and what it leaves as it is.
#include <gtest/gtest.h>

#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/entry.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

constexpr CpuId kHere{0};

class Switches : public ::testing::Test {
  protected:
    Switches() {
        kernel::set_worker_entry(kHere, VirtualAddress{0x1000}, VirtualAddress{0});
        kernel::start_workers();
        machine.settle();
        worker = kernel::vm_worker(kHere).endpoint();
        Message message;
        EXPECT_EQ(machine.call(worker, static_cast<uint64_t>(KernelCall::WorkerReady), message), Error::None);
        EXPECT_EQ(machine.trap(worker, Trap::Receive, kNone), Error::DoNotReply);
    }
    Endpoint spawn_with_tls(uint64_t base) {
        const Endpoint program = machine.spawn(kHere);
        Message message{{0, base}};
        EXPECT_EQ(machine.call(program, static_cast<uint64_t>(KernelCall::ThreadTls), message), Error::None);
        return program;
    }
    // The program runs until it waits, so that the next one has the CPU.
    void wait(Endpoint program) { EXPECT_EQ(machine.trap(program, Trap::Receive, kNone), Error::DoNotReply); }
    // The program takes a page fault, which the worker serves.
    void fault_and_resume(Endpoint program) {
        kernel::Thread& thread = FakeMachine::thread(program);
        ASSERT_EQ(machine.turn(kHere), &thread);
        kernel::entry::on_page_fault(thread, VirtualAddress{0x5000}, kFaultUser | kFaultWrite);
        ASSERT_EQ(machine.turn(kHere), &FakeMachine::thread(worker));
        const uint64_t sequence = FakeMachine::thread(worker).registers.message().words[3];
        EXPECT_EQ(machine.trap(worker, uint64_t{static_cast<uint8_t>(Trap::Resume)}, program,
                               Endpoint{static_cast<uint32_t>(sequence)}), Error::DoNotReply);
        ASSERT_EQ(machine.turn(kHere), &thread);
    }
    FakeMachine machine{1};
    Endpoint worker;
};

TEST_F(Switches, EachThreadFindsItsOwnFsBase) {
    const Endpoint first = spawn_with_tls(0x10000);
    wait(first);
    const Endpoint second = spawn_with_tls(0x20000);
    EXPECT_EQ(machine.turn(kHere), &FakeMachine::thread(second));
    EXPECT_EQ(FakeMachine::fs_base, 0x20000u);
    EXPECT_EQ(machine.trap(second, Trap::SendReceive, first), Error::DoNotReply);
    EXPECT_EQ(machine.turn(kHere), &FakeMachine::thread(first));
    EXPECT_EQ(FakeMachine::fs_base, 0x10000u);
}

TEST_F(Switches, WhatAProgramWritesItselfIsItsOwn) {
    const Endpoint first = spawn_with_tls(0x10000);
    FakeMachine::fs_base = 0x11000, FakeMachine::gs_base = 0x12000;  // its doing
    wait(first);
    const Endpoint second = spawn_with_tls(0x20000);
    EXPECT_EQ(FakeMachine::fs_base, 0x20000u);
    EXPECT_EQ(FakeMachine::gs_base, 0u);
    EXPECT_EQ(machine.trap(second, Trap::SendReceive, first), Error::DoNotReply);
    EXPECT_EQ(machine.turn(kHere), &FakeMachine::thread(first));
    EXPECT_EQ(FakeMachine::fs_base, 0x11000u);
    EXPECT_EQ(FakeMachine::gs_base, 0x12000u);
}

TEST_F(Switches, AFaultDoesNotTouchFs) {
    const Endpoint program = spawn_with_tls(0x10000);
    ASSERT_EQ(machine.turn(kHere), &FakeMachine::thread(program));
    const uint64_t loads = FakeMachine::base_loads;
    fault_and_resume(program);
    EXPECT_EQ(FakeMachine::base_loads, loads);
    EXPECT_EQ(FakeMachine::fs_base, 0x10000u);
}

// A program may load a selector into FS and so lose its base: another one with the same base must not inherit that.
TEST_F(Switches, EqualBasesOfTwoProgramsAreLoadedForEach) {
    const Endpoint first = spawn_with_tls(0x10000);
    wait(first);
    const Endpoint second = spawn_with_tls(0x10000);
    FakeMachine::fs_base = 0;  // its doing
    EXPECT_EQ(machine.trap(second, Trap::SendReceive, first), Error::DoNotReply);
    EXPECT_EQ(machine.turn(kHere), &FakeMachine::thread(first));
    EXPECT_EQ(FakeMachine::fs_base, 0x10000u);
}

TEST_F(Switches, ASlotsNextThreadIsNotTakenForTheLast) {
    const Endpoint first = spawn_with_tls(0x10000);
    Message message{{0, first.raw(), 0}};
    EXPECT_EQ(machine.call(first, static_cast<uint64_t>(KernelCall::ProcessKill), message), Error::DoNotReply);
    EXPECT_EQ(kernel::tables.cpus[0].bases_owner, nullptr);
}

}  // namespace
}  // namespace shoal::test
