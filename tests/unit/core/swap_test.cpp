// process_swap: what changes places between two stopped processes, what stays, and what is refused.
#include <gtest/gtest.h>

#include <utility>

#include "abi/grant.hpp"
#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/boot.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/hold.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

using kernel::ThreadState;

// The two instances' CPUs.
class Swap : public ::testing::TestWithParam<std::pair<uint16_t, uint16_t>> {
  protected:
    Error call(Endpoint who, KernelCall what, std::initializer_list<uint64_t> words) {
        message = Message{};
        size_t at = 1;
        for (uint64_t word : words) message.words[at++] = word;
        return machine.call(who, static_cast<uint64_t>(what), message);
    }
    void stop(Endpoint who) {
        for (int i = 0; i < 2; ++i) EXPECT_EQ(call(manager, KernelCall::ProcessStop, {who.raw()}), Error::None);
    }
    void resume(Endpoint who) { EXPECT_EQ(call(manager, KernelCall::ProcessResume, {who.raw()}), Error::None); }
    Error swap(Endpoint a, Endpoint b, Endpoint asker = kNone) {
        return call(manager, KernelCall::ProcessSwap, {id_of(a), id_of(b), asker.raw(), 0});
    }
    void both_receive() {
        EXPECT_EQ(receive(old_one), Error::DoNotReply);
        EXPECT_EQ(receive(new_one), Error::DoNotReply);
    }
    void reply(Endpoint who, Endpoint to, uint64_t word) {
        EXPECT_EQ(machine.trap(who, static_cast<uint64_t>(Trap::ReplyReceive) | kNonBlocking, to, kAny, {{1, word}}), Error::NotReady);
    }
    static uint64_t id_of(Endpoint who) { return process(who).id().raw(); }
    Error receive(Endpoint who, Endpoint from = kAny) { return machine.trap(who, Trap::Receive, kNone, from); }
    static kernel::Thread& thread(Endpoint who) { return FakeMachine::thread(who); }
    static kernel::Process& process(Endpoint who) { return *thread(who).process; }

    FakeMachine machine{3};
    Endpoint manager = machine.spawn(CpuId{0});
    Endpoint old_one = machine.spawn(CpuId{GetParam().first});
    Endpoint new_one = machine.spawn(CpuId{GetParam().second});
    Endpoint client = machine.spawn(CpuId{1});
    Message message;
};

TEST_P(Swap, WhatTheyAreChangesPlacesAndTheirNamesStay) {
    EXPECT_EQ(call(old_one, KernelCall::ThreadTls, {11}), Error::None);
    EXPECT_EQ(call(new_one, KernelCall::ThreadTls, {12}), Error::None);
    thread(old_one).registers.rbx = 1, thread(new_one).registers.rbx = 2;
    process(old_one).grant_table = 21, process(new_one).grant_table = 22;
    process(old_one).privileges.vm_call_mask = 31, process(new_one).privileges.vm_call_mask = 32;
    process(new_one).privileges.priority = thread(new_one).priority = 7;
    const ProcessId id = process(old_one).id();
    both_receive();
    stop(old_one), stop(new_one);
    ASSERT_EQ(swap(old_one, new_one), Error::None);
    resume(old_one), resume(new_one);
    EXPECT_EQ(thread(old_one).registers.rbx, 2u);
    EXPECT_EQ(thread(new_one).registers.rbx, 1u);
    if (GetParam().first == GetParam().second) {  // the machine has one register of that kind
        EXPECT_EQ(thread(old_one).bases.fs, 12u);
    }
    EXPECT_EQ(process(old_one).grant_table, 22u);
    EXPECT_EQ(process(new_one).privileges.vm_call_mask, 31u);
    EXPECT_EQ(thread(old_one).priority, 7u);
    EXPECT_EQ(process(old_one).id(), id);
    EXPECT_EQ(process(old_one).first_thread, old_one);
    EXPECT_EQ(thread(old_one).home_cpu(), CpuId{GetParam().first});
    for (const Endpoint one : {old_one, new_one}) EXPECT_EQ(thread(one).state, ThreadState::Receiving) << "both go on";
}

TEST_P(Swap, WhoHasCalledTheOldIsAnsweredByTheNew) {
    ASSERT_EQ(receive(old_one, manager), Error::DoNotReply);  // ready to be updated
    ASSERT_EQ(receive(new_one), Error::DoNotReply);
    ASSERT_EQ(machine.trap(client, Trap::SendReceive, old_one, kAny, {{1, 5}}), Error::DoNotReply);
    stop(old_one), stop(new_one);
    ASSERT_EQ(swap(old_one, new_one), Error::None);
    resume(old_one);
    EXPECT_EQ(thread(old_one).registers.message().source(), client);
    EXPECT_EQ(machine.trap(old_one, Trap::ReplyReceive, client, kAny, {{1, 6}}), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::outcome(client), Error::None);
    EXPECT_EQ(thread(client).registers.message().source(), old_one);
    resume(new_one);
    EXPECT_EQ(thread(new_one).state, ThreadState::Receiving);
    EXPECT_EQ(thread(new_one).receive_from, manager) << "the old one waits on, under the other name";
}

// It is said to a name, as what is queued there.
TEST_P(Swap, AKeptReplyIsForWhoHasTheName) {
    both_receive();
    stop(old_one), stop(new_one);
    reply(client, old_one, 6);
    ASSERT_EQ(swap(old_one, new_one), Error::None);
    resume(old_one), resume(new_one);
    EXPECT_EQ(thread(old_one).state, ThreadState::Ready);
    EXPECT_EQ(thread(old_one).registers.message().words[1], 6u);
    EXPECT_EQ(thread(new_one).state, ThreadState::Receiving);
}

TEST_P(Swap, WhoHasBeenSwappedKeepsRepliesThatItWaitsForNow) {
    ASSERT_EQ(receive(old_one, manager), Error::DoNotReply);
    ASSERT_EQ(receive(new_one), Error::DoNotReply);
    stop(old_one), stop(new_one);
    reply(client, new_one, 5);
    ASSERT_EQ(swap(old_one, new_one), Error::None);
    machine.settle();
    reply(client, old_one, 6), reply(client, new_one, 7);
    resume(old_one), resume(new_one);
    ASSERT_EQ(thread(old_one).state, ThreadState::Ready);
    EXPECT_EQ(thread(old_one).registers.message().words[1], 6u);
    EXPECT_EQ(thread(new_one).state, ThreadState::Receiving) << "from the manager";
    EXPECT_EQ(machine.trap(manager, Trap::Send, new_one), Error::None);
}

TEST_P(Swap, IsRefusedUntilTheirHomesHaveHeardOfTheLast) {
    both_receive();
    stop(old_one), stop(new_one);
    const Message both{{0, id_of(old_one), id_of(new_one), kNone.raw(), 0}};
    for (const Error expected : {Error::None, Error::Busy}) {
        machine.enter_call(manager, static_cast<uint64_t>(KernelCall::ProcessSwap), both);
        EXPECT_EQ(FakeMachine::outcome(manager), expected);
    }
    machine.turn(CpuId{0});
    EXPECT_EQ(swap(old_one, new_one), GetParam().second == 0 ? Error::None : Error::Busy);
}

// As who stops a process does: until nothing runs. To be told that once more would keep it from being swapped.
TEST_P(Swap, IsPossibleAsSoonAsAllIsSaidToBeQuiet) {
    both_receive();
    const auto stop_unheard = [&](Endpoint who) {
        machine.enter_call(manager, static_cast<uint64_t>(KernelCall::ProcessStop), {{0, who.raw()}});
        return thread(manager).registers.message().words[1];
    };
    for (const Endpoint one : {old_one, new_one}) {
        EXPECT_EQ(stop_unheard(one), 1u);
        EXPECT_EQ(stop_unheard(one), 1u) << "its home has not heard of it";
        machine.settle();
        EXPECT_EQ(stop_unheard(one), 0u);
    }
    for (const uint64_t only_try : {uint64_t{1}, uint64_t{0}}) {
        machine.enter_call(manager, static_cast<uint64_t>(KernelCall::ProcessSwap), {{0, id_of(old_one), id_of(new_one), kNone.raw(), only_try}});
        EXPECT_EQ(FakeMachine::outcome(manager), Error::None);
    }
    EXPECT_EQ(stop_unheard(old_one), 1u) << "it has yet to hear of the swap";
    machine.settle();
    EXPECT_EQ(stop_unheard(old_one), 0u);
}

TEST_P(Swap, IsUndoneByAnother) {
    ASSERT_EQ(receive(old_one, manager), Error::DoNotReply);
    thread(new_one).registers.rbx = 2;
    ASSERT_EQ(receive(new_one), Error::DoNotReply);
    stop(old_one), stop(new_one);
    ASSERT_EQ(swap(old_one, new_one), Error::None);
    machine.settle();
    ASSERT_EQ(swap(old_one, new_one), Error::None);
    resume(old_one), resume(new_one);
    EXPECT_EQ(thread(old_one).state, ThreadState::Receiving);
    EXPECT_EQ(thread(old_one).receive_from, manager);
    EXPECT_EQ(thread(new_one).registers.rbx, 2u);
}

// Names are no instances: what it waits for is what it is called itself by now.
TEST_P(Swap, WhoIsLetGoAsWhomItWaitedForDoesNotWaitForItself) {
    ASSERT_EQ(receive(old_one, new_one), Error::DoNotReply);
    ASSERT_EQ(receive(new_one), Error::DoNotReply);
    stop(old_one), stop(new_one);
    ASSERT_EQ(machine.trap(client, Trap::Send, new_one), Error::DoNotReply);
    ASSERT_EQ(swap(old_one, new_one), Error::None);
    resume(old_one), resume(new_one);
    EXPECT_EQ(thread(old_one).state, ThreadState::Receiving);
    ASSERT_EQ(thread(new_one).state, ThreadState::Ready);
    EXPECT_EQ(FakeMachine::outcome(new_one), Error::Locked);
    EXPECT_EQ(receive(new_one), Error::None) << "what has been sent to its name";
    EXPECT_FALSE(FakeMachine::waits(client));
    EXPECT_EQ(machine.trap(new_one, Trap::Send, old_one), Error::None) << "the other one, which is called so now";
}

TEST_P(Swap, WhoWaitedForTheOtherDoesSoWhenItIsUndone) {
    ASSERT_EQ(receive(old_one, new_one), Error::DoNotReply);
    ASSERT_EQ(receive(new_one), Error::DoNotReply);
    stop(old_one), stop(new_one);
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(swap(old_one, new_one), Error::None);
        machine.settle();
    }
    resume(old_one), resume(new_one);
    ASSERT_EQ(thread(old_one).state, ThreadState::Receiving);
    EXPECT_EQ(machine.trap(client, Trap::Send, old_one), Error::DoNotReply) << "nobody else's";
    ASSERT_EQ(machine.trap(manager, Trap::Send, new_one), Error::None);
    EXPECT_EQ(machine.trap(new_one, Trap::Send, old_one), Error::None);
    EXPECT_EQ(FakeMachine::outcome(old_one), Error::None);
}

TEST_P(Swap, TheNewOneNeedNotHaveStarted) {
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
    const Endpoint child{static_cast<uint32_t>(message.words[1])};
    ASSERT_TRUE(kernel::set_privileges(kernel::tables.cpus[0], child, FakeMachine::everything()).ok());
    ASSERT_EQ(receive(old_one), Error::DoNotReply);
    stop(old_one), stop(child);
    ASSERT_EQ(swap(old_one, child), Error::None);
    ASSERT_EQ(call(manager, KernelCall::ProcessStart, {old_one.raw(), 0x3000, 0x2000, 9, GetParam().first}), Error::None);
    EXPECT_EQ(call(manager, KernelCall::ProcessStart, {child.raw(), 0x3000, 0x2000, 9, 0}), Error::Busy) << "that is the old one";
    EXPECT_EQ(thread(old_one).state, ThreadState::Held);
    resume(old_one);
    EXPECT_EQ(thread(old_one).state, ThreadState::Ready);
    EXPECT_EQ(thread(old_one).registers.rip, 0x3000u);
    resume(child);
    EXPECT_EQ(thread(child).state, ThreadState::Receiving);
}

// The old one and one that has not started have changed places, and their homes have not heard of it.
class SwapUnheard : public Swap {
  protected:
    SwapUnheard() {
        EXPECT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
        child = Endpoint{static_cast<uint32_t>(message.words[1])};
        EXPECT_EQ(set_privileges(child, 9), Error::None);
        EXPECT_EQ(receive(old_one), Error::DoNotReply);
        stop(old_one), stop(child);
        machine.enter_call(manager, static_cast<uint64_t>(KernelCall::ProcessSwap), {{0, id_of(old_one), id_of(child), kNone.raw(), 0}});
        EXPECT_EQ(FakeMachine::outcome(manager), Error::None);
    }
    // It uses the FPU, as nobody else here does.
    static Error set_privileges(Endpoint who, uint32_t priority) {
        Privileges privileges = FakeMachine::everything(kSystemProcess, priority);
        privileges.flags = kSystemProcess;
        FakeMachine::become(CpuId{0});
        return kernel::set_privileges(kernel::tables.cpus[0], who, privileges).error();
    }
    void start() {
        machine.enter_call(manager, static_cast<uint64_t>(KernelCall::ProcessStart), {{0, old_one.raw(), 0x3000, 0x2000, 9, GetParam().first}});
    }
    void expect_after_resume(uint32_t priority) {
        machine.settle();
        resume(old_one), resume(child);
        EXPECT_EQ(thread(old_one).state, ThreadState::Ready);
        EXPECT_EQ(thread(old_one).priority, priority);
        EXPECT_EQ(thread(old_one).priority_hint, priority);
        EXPECT_EQ(thread(old_one).no_fpu, 0u);
        EXPECT_EQ(thread(child).priority, kUserPriority);
        EXPECT_EQ(thread(child).priority_hint, kUserPriority);
        EXPECT_EQ(thread(child).no_fpu, 1u);
    }
    Endpoint child;
};

TEST_P(SwapUnheard, WhoIsStartedHasThePrivilegesOfWhatItIsNow) {
    const uint64_t fpu_inits = FakeMachine::fpu_inits;
    start();
    EXPECT_EQ(FakeMachine::fpu_inits, fpu_inits + 1) << "its FPU state would be somebody else's";
    expect_after_resume(9);
}

TEST_P(SwapUnheard, WhoIsGivenPrivilegesHasThese) {
    EXPECT_EQ(set_privileges(old_one, 10), Error::None);
    EXPECT_EQ(set_privileges(child, 10), Error::Busy) << "it has run";
    start();
    expect_after_resume(10);
}

TEST_P(Swap, FurtherThreadsGoWithTheirs) {
    ASSERT_EQ(call(old_one, KernelCall::ThreadCreate, {0x1000, 0x2000, 5, 0, 2}), Error::None);
    const Endpoint second{static_cast<uint32_t>(message.words[1])};
    ASSERT_EQ(receive(second), Error::DoNotReply);
    both_receive();
    stop(old_one), stop(new_one);
    ASSERT_EQ(swap(old_one, new_one), Error::None);
    EXPECT_EQ(thread(second).process, &process(new_one));
    EXPECT_EQ(process(new_one).live_threads, 2u);
    resume(new_one);
    EXPECT_EQ(thread(second).state, ThreadState::Receiving);
    EXPECT_EQ(call(manager, KernelCall::ProcessKill, {old_one.raw(), 3}), Error::None);
    EXPECT_EQ(thread(second).state, ThreadState::Receiving);
    EXPECT_EQ(call(manager, KernelCall::ProcessKill, {new_one.raw(), 3}), Error::None);
    EXPECT_EQ(thread(second).state, ThreadState::Free);
    EXPECT_EQ(thread(new_one).state, ThreadState::Dead);
}

TEST_P(Swap, IsRefusedWhileSomethingIsUnderWay) {
    const auto both = [&] { return swap(old_one, new_one); };
    ASSERT_EQ(receive(new_one), Error::DoNotReply);
    EXPECT_EQ(both(), Error::Busy) << "neither is stopped";
    stop(old_one);
    EXPECT_EQ(both(), Error::Busy);
    stop(new_one);
    resume(old_one);
    EXPECT_EQ(both(), Error::Busy);
    ASSERT_EQ(machine.trap(old_one, Trap::SendReceive, client, kAny, {{1, 5}}), Error::DoNotReply);
    stop(old_one);
    EXPECT_EQ(both(), Error::Busy) << "it sends";
    ASSERT_EQ(receive(client), Error::None);
    EXPECT_EQ(both(), Error::Busy) << "it waits for an answer";
    ASSERT_EQ(machine.trap(client, Trap::ReplyReceive, old_one, kAny, {{1, 7}}), Error::DoNotReply);
    stop(old_one);
    EXPECT_EQ(both(), Error::Busy) << "it is in the middle of something";
    resume(old_one);
    ASSERT_EQ(receive(old_one), Error::DoNotReply);
    stop(old_one);
    EXPECT_EQ(both(), Error::None);
}

TEST_P(Swap, IsRefusedBeforeAStartHasArrived) {
    ASSERT_EQ(call(manager, KernelCall::ProcessCreate, {0, 0, kSelf.raw(), kSelf.raw()}), Error::None);
    const Endpoint child{static_cast<uint32_t>(message.words[1])};
    ASSERT_TRUE(kernel::set_privileges(kernel::tables.cpus[0], child, FakeMachine::everything()).ok());
    ASSERT_EQ(receive(old_one), Error::DoNotReply);
    stop(old_one), stop(child);
    thread(child).process->state = kernel::ProcessState::Running;  // as process_start does, and posts
    EXPECT_EQ(swap(old_one, child), Error::Busy);
    thread(child).process->state = kernel::ProcessState::Created;
    EXPECT_EQ(swap(old_one, child), Error::None);
}

TEST_P(Swap, BadArgumentsAreRefused) {
    const Endpoint program = machine.spawn(CpuId{0}, 0);
    both_receive();
    stop(old_one), stop(new_one), stop(program);
    EXPECT_EQ(swap(old_one, old_one), Error::Invalid);
    EXPECT_EQ(swap(old_one, program), Error::Permission);
    EXPECT_EQ(swap(program, old_one), Error::Permission);
    EXPECT_EQ(call(manager, KernelCall::ProcessSwap, {id_of(old_one), 0x7fff, 0, 0}), Error::NoProcess);
    EXPECT_EQ(call(manager, KernelCall::ProcessSwap, {id_of(old_one), id_of(new_one), 0, 2}), Error::Invalid);
    EXPECT_EQ(call(manager, KernelCall::ProcessSwap, {id_of(old_one), id_of(new_one), 0, 1}), Error::None) << "which was but a try";
    const uint64_t dead = id_of(new_one);
    ASSERT_EQ(call(manager, KernelCall::ProcessKill, {new_one.raw(), 3}), Error::None);
    EXPECT_EQ(call(manager, KernelCall::ProcessSwap, {id_of(old_one), dead, 0, 0}), Error::NoProcess);
    resume(old_one);
    EXPECT_EQ(thread(old_one).state, ThreadState::Receiving);
}

const auto kCpusOfBoth = ::testing::Values(std::pair<uint16_t, uint16_t>{0, 0}, std::pair<uint16_t, uint16_t>{0, 2}, std::pair<uint16_t, uint16_t>{2, 2});
INSTANTIATE_TEST_SUITE_P(Cpus, Swap, kCpusOfBoth);
INSTANTIATE_TEST_SUITE_P(Cpus, SwapUnheard, kCpusOfBoth);

// A process that asks VM for its own update gets the answer under its other name.
class SwapOfTheAsker : public ::testing::TestWithParam<uint16_t> {
  protected:
    SwapOfTheAsker() {
        for (uint16_t cpu = 0; cpu < 2; ++cpu) kernel::set_worker_entry(CpuId{cpu}, VirtualAddress{0x1000}, VirtualAddress{0});
        kernel::start_workers();
        machine.settle();
        for (uint16_t cpu = 0; cpu < 2; ++cpu) {
            const Endpoint one = kernel::vm_worker(CpuId{cpu}).endpoint();
            EXPECT_EQ(call(one, KernelCall::WorkerReady, {}), Error::None);
            EXPECT_EQ(machine.trap(one, Trap::Receive, kNone), Error::DoNotReply);
        }
        worker = kernel::vm_worker(CpuId{0}).endpoint();
    }
    Error call(Endpoint who, KernelCall what, std::initializer_list<uint64_t> words) {
        message = Message{};
        size_t at = 1;
        for (uint64_t word : words) message.words[at++] = word;
        return machine.call(who, static_cast<uint64_t>(what), message);
    }
    FakeMachine machine{2};
    Endpoint worker;
    Endpoint old_one = machine.spawn(CpuId{0}), new_one = machine.spawn(CpuId{GetParam()});
    Message message;
};

TEST_P(SwapOfTheAsker, IsAnsweredWhereItIs) {
    ASSERT_EQ(machine.trap(new_one, Trap::Receive, kNone), Error::DoNotReply);
    for (int i = 0; i < 2; ++i) ASSERT_EQ(call(old_one, KernelCall::ProcessStop, {new_one.raw()}), Error::None);
    FakeMachine::thread(old_one).registers.rbx = 1;
    ASSERT_EQ(machine.trap(old_one, Trap::SendReceive, kVm, kAny, {{kVmCallBase + 41}}), Error::DoNotReply);
    const uint64_t one = FakeMachine::thread(old_one).process->id().raw(), other = FakeMachine::thread(new_one).process->id().raw();
    EXPECT_EQ(call(worker, KernelCall::ProcessSwap, {one, other, kNone.raw(), 0}), Error::Busy) << "it waits for an answer";
    ASSERT_EQ(call(worker, KernelCall::ProcessSwap, {one, other, old_one.raw(), 0}), Error::None);
    EXPECT_EQ(message.words[1], new_one.raw());
    EXPECT_EQ(machine.trap(worker, Trap::ReplyReceive, new_one, kAny, {{0, 9}}), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::outcome(new_one), Error::None);
    EXPECT_EQ(FakeMachine::thread(new_one).registers.rbx, 1u);
    EXPECT_EQ(FakeMachine::thread(new_one).registers.message().words[1], 9u);
    EXPECT_EQ(FakeMachine::thread(old_one).state, ThreadState::Held) << "the new one, until it is resumed";
    ASSERT_EQ(call(new_one, KernelCall::ProcessResume, {old_one.raw()}), Error::None);
    EXPECT_EQ(FakeMachine::thread(old_one).state, ThreadState::Receiving);
}

// What holds for whoever waits for an answer: that comes first.
TEST_P(SwapOfTheAsker, IsAnsweredThoughItHasBeenStopped) {
    const Endpoint manager = machine.spawn(CpuId{1});
    ASSERT_EQ(machine.trap(new_one, Trap::Receive, kNone), Error::DoNotReply);
    ASSERT_EQ(machine.trap(old_one, Trap::SendReceive, kVm, kAny, {{kVmCallBase + 41}}), Error::DoNotReply);
    for (const Endpoint one : {new_one, old_one}) ASSERT_EQ(call(manager, KernelCall::ProcessStop, {one.raw()}), Error::None);
    const uint64_t one = FakeMachine::thread(old_one).process->id().raw(), other = FakeMachine::thread(new_one).process->id().raw();
    ASSERT_EQ(call(worker, KernelCall::ProcessSwap, {one, other, old_one.raw(), 0}), Error::None);
    EXPECT_EQ(machine.trap(worker, Trap::ReplyReceive, new_one, kAny, {{0, 9}}), Error::DoNotReply);
    for (int i = 0; i < 2; ++i) ASSERT_EQ(call(manager, KernelCall::ProcessStop, {new_one.raw()}), Error::None);
    EXPECT_EQ(message.words[1], 0u);
    EXPECT_EQ(FakeMachine::thread(new_one).state, ThreadState::Held);
    ASSERT_EQ(call(manager, KernelCall::ProcessResume, {new_one.raw()}), Error::None);
    EXPECT_EQ(FakeMachine::thread(new_one).state, ThreadState::Ready);
    EXPECT_EQ(FakeMachine::thread(new_one).registers.message().words[1], 9u);
}

// The name that it is answered under has had a reply that nobody waits for now.
TEST_P(SwapOfTheAsker, IsAnsweredThoughAReplyWasKeptThere) {
    ASSERT_EQ(machine.trap(new_one, Trap::Receive, kNone), Error::DoNotReply);
    for (int i = 0; i < 2; ++i) ASSERT_EQ(call(old_one, KernelCall::ProcessStop, {new_one.raw()}), Error::None);
    ASSERT_EQ(machine.trap(old_one, static_cast<uint64_t>(Trap::ReplyReceive) | kNonBlocking, new_one, kAny, {{1, 6}}), Error::NotReady);
    ASSERT_EQ(machine.trap(old_one, Trap::SendReceive, kVm, kAny, {{kVmCallBase + 41}}), Error::DoNotReply);
    const uint64_t one = FakeMachine::thread(old_one).process->id().raw(), other = FakeMachine::thread(new_one).process->id().raw();
    machine.enter_call(worker, static_cast<uint64_t>(KernelCall::ProcessSwap), {{0, one, other, old_one.raw()}});
    machine.turn(CpuId{0});
    EXPECT_EQ(machine.trap(worker, Trap::ReplyReceive, new_one, kAny, {{0, 9}}), Error::DoNotReply);
    ASSERT_FALSE(FakeMachine::waits(new_one));
    EXPECT_EQ(FakeMachine::thread(new_one).registers.message().words[1], 9u);
}

// Its home has given back its hold node, and looks at the word of its process only after the swap: that is the asker's.
TEST_P(SwapOfTheAsker, AFurtherThreadOfTheOtherOneStaysHeld) {
    constexpr CpuId kThere{1};
    ASSERT_EQ(call(new_one, KernelCall::ThreadCreate, {0x1000, 0x2000, 5, 0, kThere.raw()}), Error::None);
    const Endpoint further{static_cast<uint32_t>(message.words[1])}, client = machine.spawn(CpuId{0});
    for (const Endpoint who : {new_one, further}) ASSERT_EQ(machine.trap(who, Trap::Receive, kNone), Error::DoNotReply);
    for (int i = 0; i < 2; ++i) ASSERT_EQ(call(client, KernelCall::ProcessStop, {new_one.raw()}), Error::None);
    ASSERT_EQ(machine.trap(client, Trap::Send, further), Error::DoNotReply);
    ASSERT_EQ(machine.trap(old_one, Trap::SendReceive, kVm, kAny, {{kVmCallBase + 41}}), Error::DoNotReply);
    kernel::Process &one = *FakeMachine::thread(old_one).process, &other = *FakeMachine::thread(new_one).process;
    machine.enter_call(worker, static_cast<uint64_t>(KernelCall::ProcessSwap), {{0, one.id().raw(), other.id().raw(), old_one.raw()}});
    ASSERT_EQ(FakeMachine::outcome(worker), Error::None);
    FakeMachine::become(kThere);
    kernel::heed(kernel::machine::this_cpu(), FakeMachine::thread(further), other);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(FakeMachine::thread(further).state, ThreadState::Held);
        EXPECT_EQ(FakeMachine::thread(client).state, ThreadState::Sending) << "nobody takes it";
        machine.settle();
    }
    ASSERT_EQ(machine.trap(worker, Trap::ReplyReceive, new_one, kAny, {{0, 9}}), Error::DoNotReply);
    ASSERT_EQ(call(new_one, KernelCall::ProcessResume, {old_one.raw()}), Error::None);
    EXPECT_FALSE(FakeMachine::waits(client));
}

INSTANTIATE_TEST_SUITE_P(Cpus, SwapOfTheAsker, ::testing::Values(uint16_t{0}, uint16_t{1}));

}  // namespace
}  // namespace shoal::test
