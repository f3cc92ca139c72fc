// Processes and threads through the kernel calls: life, death, slots, placement.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "abi/kernel_call_numbers.hpp"
#include "abi/kernel_info.hpp"
#include "kernel/core/boot_facts.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/stopped_children.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

constexpr uint64_t number(KernelCall call) { return static_cast<uint64_t>(call); }

class Processes : public ::testing::Test {
  protected:
    Error call(Endpoint who, KernelCall what, std::initializer_list<uint64_t> words) {
        message = Message{};
        size_t at = 1;
        for (uint64_t word : words) message.words[at++] = word;
        return machine.call(who, number(what), message);
    }
    // The same, but no CPU looks into its mailbox.
    void enter(Endpoint who, KernelCall what, std::initializer_list<uint64_t> words) {
        Message asked;
        std::ranges::copy(words, asked.words + 1);
        machine.enter_call(who, number(what), asked);
    }
    FakeMachine machine{2, 8, 16};
    Endpoint manager = machine.spawn(CpuId{0});
    Message message;
};

class DeviceMemory : public Processes {
  protected:
    DeviceMemory() {
        kernel::set_worker_entry(CpuId{0}, VirtualAddress{0x1000}, VirtualAddress{0});
        kernel::set_worker_entry(CpuId{1}, VirtualAddress{0x1000}, VirtualAddress{0});
        kernel::start_workers();
        machine.settle();
        kernel::boot_facts.kept = kMemory;
        kernel::boot_facts.frames_end = FrameNumber{1 << 20};
    }
    ~DeviceMemory() override { kernel::boot_facts.kept = {}; }
    Error ask(uint64_t first, uint64_t frames) {
        const ProcessId process = FakeMachine::thread(manager).process->id();
        return call(kernel::vm_worker(CpuId{0}).endpoint(), KernelCall::DeviceMemory, {process.raw(), first << kPageShift, frames << kPageShift});
    }
    Privileges& privileges() { return FakeMachine::thread(manager).process->privileges; }
    static constexpr FrameRange kMemory[] = {{FrameNumber{1}, 99}, {FrameNumber{256}, 1000}};
};

TEST_F(DeviceMemory, IsWhatIsNoMemoryAndExists) {
    privileges().device_memory[0] = {FrameNumber{0}, ~uint64_t{0}};
    EXPECT_EQ(ask(100, 156), Error::None);
    EXPECT_EQ(ask(99, 1), Error::Permission);
    EXPECT_EQ(ask(100, 157), Error::Permission);
    EXPECT_EQ(ask(0, 300), Error::Permission) << "memory in its middle";
    EXPECT_EQ(ask(1256, (1 << 20) - 1256), Error::None);
    EXPECT_EQ(ask(1256, (1 << 20) - 1255), Error::Permission) << "beyond what a page table can name";
    EXPECT_EQ(ask(~uint64_t{0} >> kPageShift, 2), Error::Permission);
    EXPECT_EQ(ask(1300, ~uint64_t{0} >> kPageShift), Error::Permission);
    EXPECT_EQ(call(manager, KernelCall::DeviceMemory, {1, 0, 0}), Error::CallDenied);
}

TEST_F(DeviceMemory, IsForWhomItIsNamed) {
    std::ranges::fill(privileges().device_memory, FrameRange{});
    EXPECT_EQ(ask(2000, 1), Error::Permission);
    privileges().device_memory[3] = {FrameNumber{2000}, 10};
    EXPECT_EQ(ask(2000, 10), Error::None);
    EXPECT_EQ(ask(2009, 2), Error::Permission);
    EXPECT_EQ(ask(1999, 2), Error::Permission);
}

TEST_F(DeviceMemory, NobodyGivesMorePrivilegesThanHeHas) {
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0x616263, 0, kSelf.raw(), kSelf.raw()}), Error::None);
    const Endpoint child{static_cast<uint32_t>(message.words[1])};
    auto* given = reinterpret_cast<Privileges*>(plain_space::memory(kernel::slot_of(*FakeMachine::thread(manager).process)));
    const auto give = [&](auto change) {
        *given = privileges();
        given->priority = kUserPriority;
        change(*given);
        return call(manager, KernelCall::PrivilegeSet, {child.raw(), plain_space::kBase});
    };
    std::ranges::fill(privileges().device_memory, FrameRange{});
    privileges().device_memory[1] = {FrameNumber{2000}, 10};
    privileges().vm_call_mask &= ~uint64_t{2};
    privileges().trap_mask &= ~uint64_t{2};
    privileges().send_mask[3] &= ~uint64_t{2};
    EXPECT_EQ(give([](Privileges&) {}), Error::None);
    EXPECT_EQ(give([](Privileges& p) { p.device_memory[7] = {FrameNumber{2003}, 7}; }), Error::None);
    EXPECT_EQ(give([](Privileges& p) { p.device_memory[7] = {FrameNumber{2003}, 8}; }), Error::Permission);
    EXPECT_EQ(give([](Privileges& p) { p.vm_call_mask |= 2; }), Error::Permission);
    EXPECT_EQ(give([](Privileges& p) { p.trap_mask |= 2; }), Error::Permission);
    EXPECT_EQ(give([](Privileges& p) { p.send_mask[3] |= 2; }), Error::Permission);
    privileges().flags = kSystemProcess, privileges().priority = 6;
    EXPECT_EQ(give([](Privileges& p) { p.flags |= kNoFpu; }), Error::Permission);
    EXPECT_EQ(give([](Privileges& p) { p.priority = 5; }), Error::Permission);
    EXPECT_EQ(give([](Privileges& p) { p.priority = 6; }), Error::None);
    privileges().kernel_call_mask[1] = 0;
    EXPECT_EQ(give([](Privileges& p) { p.kernel_call_mask[1] = 1; }), Error::Permission);
}

// Its first thread had ended before it was killed, on a CPU that handles its mail only after the slots have been given back.
TEST_F(Processes, NothingIsUnderWayToAThreadWhoseSlotIsFree) {
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
    const Endpoint child{static_cast<uint32_t>(message.words[1])};
    ASSERT_TRUE(kernel::set_privileges(kernel::tables.cpus[0], child, FakeMachine::everything(0)).ok());
    FakeMachine::thread(child).process->manager = manager;
    ASSERT_EQ(call(manager, KernelCall::ProcessStart, {child.raw(), 0x1000, 0x2000, 0, 1}), Error::None);
    ASSERT_EQ(call(child, KernelCall::ThreadCreate, {0x1000, 0x2000, 0, 0, 0}), Error::None);
    ASSERT_EQ(call(child, KernelCall::ThreadExit, {0}), Error::DoNotReply);
    enter(manager, KernelCall::ProcessKill, {child.raw(), 3});
    machine.turn(CpuId{0});
    enter(manager, KernelCall::ProcessReap, {});
    ASSERT_EQ(FakeMachine::outcome(manager), Error::None);
    enter(manager, KernelCall::ProcessRelease, {child.raw()});
    ASSERT_EQ(FakeMachine::outcome(manager), Error::None);
    EXPECT_TRUE(kernel::tables.cpus[1].mailbox.empty());
    machine.settle();
    EXPECT_EQ(FakeMachine::thread(child).state, kernel::ThreadState::Free);
}

TEST_F(Processes, CreateStartKillReapReleaseGivesAllSlotsBack) {
    const auto before = kernel::slots_in_use();
    for (int round = 0; round < 1000; ++round) {
        ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0x616263, 0, kSelf.raw(), kSelf.raw()}), Error::None);
        const Endpoint child{static_cast<uint32_t>(message.words[1])};
        ASSERT_EQ(call(manager, KernelCall::ProcessStart, {child.raw(), 0x1000, 0x2000, 0, uint64_t(round % 2)}), Error::None);
        ASSERT_EQ(call(manager, KernelCall::ProcessStart, {child.raw(), 0x1000, 0x2000, 0, 0}), Error::Busy);
        ASSERT_EQ(call(manager, KernelCall::ProcessRelease, {child.raw()}), Error::Busy);
        ASSERT_EQ(call(manager, KernelCall::ProcessKill, {child.raw(), 7}), Error::None);
        ASSERT_EQ(machine.trap(manager, Trap::Receive, kNone, kKernel), Error::None);
        ASSERT_EQ(call(manager, KernelCall::ProcessReap, {}), Error::None);
        ASSERT_EQ(message.words[1], child.raw());
        ASSERT_EQ(message.words[3], 7u);
        ASSERT_EQ(call(manager, KernelCall::ProcessRelease, {child.raw()}), Error::None);
        ASSERT_EQ(call(manager, KernelCall::ProcessKill, {child.raw(), 7}), Error::DeadEndpoint);
    }
    EXPECT_EQ(call(manager, KernelCall::ProcessReap, {}), Error::NoChild);
    const auto after = kernel::slots_in_use();
    EXPECT_EQ(before.processes, after.processes);
    EXPECT_EQ(before.threads, after.threads);
}

// A manager that comes for one process must not be given another whose notice is still on its way: it could not release it.
TEST_F(Processes, AreReapedOnlyAfterTheirNoticeHasArrived) {
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
    const Endpoint child{static_cast<uint32_t>(message.words[1])};
    ASSERT_EQ(call(manager, KernelCall::ProcessStart, {child.raw(), 0x1000, 0x2000, 0, 1}), Error::None);
    enter(manager, KernelCall::ProcessKill, {child.raw(), 7});
    machine.turn(CpuId{1});
    EXPECT_EQ(FakeMachine::thread(child).state, kernel::ThreadState::Dead);
    enter(manager, KernelCall::ProcessReap, {});
    EXPECT_EQ(FakeMachine::outcome(manager), Error::NoChild);
    machine.settle();
    EXPECT_EQ(call(manager, KernelCall::ProcessReap, {}), Error::None);
    EXPECT_EQ(call(manager, KernelCall::ProcessRelease, {child.raw()}), Error::None);
}

// Whether it ends with a child that it has not taken, or while the notice is on its way.
TEST_F(Processes, OfAnEndedManagerAreReapedByRs) {
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
    const Endpoint stopped{static_cast<uint32_t>(message.words[1])};
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
    const Endpoint running{static_cast<uint32_t>(message.words[1])};
    ASSERT_EQ(call(manager, KernelCall::ProcessStart, {running.raw(), 0x1000, 0x2000, 0, 1}), Error::None);
    ASSERT_EQ(call(manager, KernelCall::ProcessKill, {stopped.raw(), 7}), Error::None);
    FakeMachine::become(CpuId{0});
    kernel::Cpu& cpu = kernel::tables.cpus[0];
    kernel::Process& rs = kernel::tables.processes[kRsSlot];
    EXPECT_EQ(kernel::kill_process(cpu, *FakeMachine::thread(manager).process, 8), Error::None);
    EXPECT_EQ(kernel::kill_process(cpu, *FakeMachine::thread(running).process, 9), Error::None);
    machine.turn(CpuId{1});
    EXPECT_FALSE(kernel::reap_process(cpu, rs).ok());
    machine.settle();
    std::set<int64_t> statuses;
    for (int i = 0; i < 3; ++i) {
        auto reaped = kernel::reap_process(cpu, rs);
        ASSERT_TRUE(reaped.ok());
        statuses.insert(reaped->status);
        EXPECT_TRUE(kernel::release_process(cpu, reaped->endpoint).ok());
    }
    EXPECT_EQ(statuses, (std::set<int64_t>{7, 8, 9}));
    EXPECT_EQ(kernel::reap_process(cpu, rs).error(), Error::NoChild);
}

// A CPU keeps some free slots at hand; when all are taken, others have them.
TEST_F(Processes, TakeTheLastSlotsOfOtherCpus) {
    const Endpoint other = machine.spawn(CpuId{1});
    std::vector<uint64_t> children;
    while (call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), 0}) == Error::None) children.push_back(message.words[1]);
    EXPECT_EQ(call(other, KernelCall::ProcessCreate, {0, 0, manager.raw(), 0}), Error::Again);
    EXPECT_EQ(kernel::slots_in_use().processes, kernel::tables.processes.size());
    ASSERT_EQ(call(manager, KernelCall::ProcessKill, {children.front(), 7}), Error::None);
    ASSERT_EQ(call(manager, KernelCall::ProcessReap, {}), Error::None);
    ASSERT_EQ(call(manager, KernelCall::ProcessRelease, {children.front()}), Error::None);
    EXPECT_EQ(call(other, KernelCall::ProcessCreate, {0, 0, manager.raw(), 0}), Error::None);
    EXPECT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), 0}), Error::Again);
}

// A created process has a name already: who sends to it waits until it receives, or until it is killed unstarted.
TEST_F(Processes, SendersToACreatedProcessFollowItOrHearOfItsEnd) {
    const Endpoint client = machine.spawn(CpuId{1}), near = machine.spawn(CpuId{0});
    for (const bool starts : {true, false}) {
        ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
        const Endpoint child{static_cast<uint32_t>(message.words[1])};
        ASSERT_TRUE(kernel::set_privileges(kernel::tables.cpus[0], child, FakeMachine::everything()).ok());
        EXPECT_EQ(machine.trap(client, Trap::Send, child), Error::DoNotReply);
        EXPECT_EQ(machine.trap(near, Trap::Receive, kNone, child), Error::DoNotReply);
        if (starts) {
            ASSERT_EQ(call(manager, KernelCall::ProcessStart, {child.raw(), 0x1000, 0x2000, 0, 1}), Error::None);
            EXPECT_EQ(FakeMachine::thread(child).home_cpu(), CpuId{1});
            EXPECT_EQ(machine.trap(child, Trap::Receive, kNone), Error::None);
            EXPECT_EQ(FakeMachine::outcome(client), Error::None);
        }
        ASSERT_EQ(call(manager, KernelCall::ProcessKill, {child.raw(), 7}), Error::None);
        EXPECT_FALSE(FakeMachine::waits(client));
        EXPECT_EQ(FakeMachine::outcome(client), starts ? Error::None : Error::DeadSourceOrDestination);
        EXPECT_EQ(FakeMachine::outcome(near), Error::DeadSourceOrDestination);
        EXPECT_TRUE(FakeMachine::thread(child).callers.empty());
    }
}

TEST_F(Processes, SlotsRunOutWithAgain) {
    Error last = Error::None;
    for (int i = 0; i < 8 && last == Error::None; ++i) last = call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), 0});
    EXPECT_EQ(last, Error::Again);
}

TEST_F(Processes, BadArgumentsAreRefused) {
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), 0}), Error::None);
    const uint64_t child = message.words[1];
    EXPECT_EQ(call(manager, KernelCall::ProcessStart, {child, kUserTop, 0, 0, 0}), Error::BadAddress);
    EXPECT_EQ(call(manager, KernelCall::ProcessStart, {child, 0x1000, 0, 0, 9}), Error::BadCpu);
    EXPECT_EQ(call(manager, KernelCall::ProcessStart, {0x7fff, 0x1000, 0, 0, 0}), Error::BadEndpoint);
    EXPECT_EQ(call(manager, KernelCall::PrivilegeSet, {child, kUserTop}), Error::BadAddress);
    EXPECT_EQ(call(manager, KernelCall::ThreadTls, {kUserTop}), Error::BadAddress);
    EXPECT_EQ(call(manager, KernelCall::ThreadAffinity, {kSelf.raw(), 2}), Error::BadCpu);
    EXPECT_EQ(call(manager, KernelCall::ThreadAffinity, {kPm.raw(), 1}), Error::Permission);
    EXPECT_EQ(call(manager, KernelCall::Info, {plain_space::kBase, 4}), Error::Invalid);
    EXPECT_EQ(call(manager, KernelCall::ConsoleWrite, {plain_space::kBase, 1025}), Error::Invalid);
}

TEST_F(Processes, ThreadsShareAProcessAndEndWithIt) {
    ASSERT_EQ(call(manager, KernelCall::ThreadCreate, {0x1000, 0x2000, 5, 0, 1}), Error::None);
    const Endpoint second{static_cast<uint32_t>(message.words[1])};
    EXPECT_EQ(FakeMachine::thread(second).home_cpu(), CpuId{1});
    EXPECT_EQ(FakeMachine::thread(second).registers.rdi, 5u);
    EXPECT_EQ(machine.trap(second, Trap::Receive, kAny), Error::DoNotReply);
    call(manager, KernelCall::ProcessExit, {3});
    EXPECT_EQ(FakeMachine::thread(manager).state, kernel::ThreadState::Dead);
    EXPECT_EQ(FakeMachine::thread(second).state, kernel::ThreadState::Free);
}

TEST_F(Processes, AffinityMovesTheThread) {
    EXPECT_EQ(call(manager, KernelCall::ThreadAffinity, {kSelf.raw(), 1}), Error::None);
    EXPECT_EQ(FakeMachine::thread(manager).home_cpu(), CpuId{1});
    EXPECT_EQ(machine.turn(CpuId{1}), &FakeMachine::thread(manager));
}

TEST_F(Processes, AnExceptionKillsWithAMessage) {
    FakeMachine::become(CpuId{0});
    machine.turn(CpuId{0});
    kernel::Thread& thread = FakeMachine::thread(manager);
    thread.registers.rip = 0x1234;
    kernel::entry::on_exception(thread, 13, 0);
    machine.settle();
    EXPECT_EQ(thread.state, kernel::ThreadState::Dead);
    EXPECT_NE(FakeMachine::console.find("program killed: general protection fault at address 0x1234"), std::string::npos)
        << FakeMachine::console;
    EXPECT_NE(FakeMachine::console.find("backtrace: 0x1234"), std::string::npos);
}

}  // namespace
}  // namespace shoal::test
