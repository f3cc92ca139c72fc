// Tables of asynchronous messages whose pages are absent when they are needed: after a move, and because VM took them away.
#include <cstring>

#include "abi/grant.hpp"
#include "tests/unit/core/paged_test.hpp"

namespace shoal::test {
namespace {

using kernel::ThreadState;

class AsyncRestore : public PagedTest {
  protected:
    AsyncRestore() {
        frame_ = paged_space::frame();
        map_table();
        link(program);
        link(other);
    }
    // The table fills the page at(0) of the program.
    AsyncEntry& entry(uint32_t index) { return paged_space::object<AsyncEntry[8]>(frame_)[index]; }
    void map_table(uint64_t rights = paged_space::kUserPage) { paged_space::set(table_of(program), 0, frame_.raw() | rights); }
    void unmap_table() { paged_space::set(table_of(program), 0, 0); }
    void put(uint32_t index, Endpoint to, uint64_t word) { entry(index) = {AsyncEntry::kValid, to, 1, {7, word}}; }
    Error send(uint64_t count, VirtualAddress table = at(0)) {
        return machine.trap(program, Trap::SendAsync, kNone, kNone, {{0, table.raw(), count}});
    }
    Error poll(Endpoint who) {
        return machine.trap(who, static_cast<uint64_t>(Trap::Receive) | kNonBlocking, kNone, kAny);
    }
    // To CPU 1, where none of its tables are linked.
    void move_the_sender() {
        EXPECT_EQ(call(program, KernelCall::ThreadAffinity, {kSelf.raw(), 1}), Error::None);
        everybody_runs();
        EXPECT_EQ(sender().home_cpu(), CpuId{1});
        EXPECT_TRUE(FakeMachine::waits(program)) << "for its table";
    }
    void everybody_runs() {
        for (int turns = 0; turns < 4; ++turns) machine.advance(20'000'000);
    }
    bool done(uint32_t index) { return (entry(index).flags & AsyncEntry::kDone) != 0; }
    kernel::Thread& sender() { return FakeMachine::thread(program); }
    // The worker has been asked for the table; it answers.
    void expect_request_and_answer(unsigned cpu, Error outcome = Error::None) {
        ASSERT_EQ(received(worker[cpu]).type(), kMemoryRequest);
        EXPECT_EQ(received(worker[cpu]).source(), program);
        EXPECT_EQ(received(worker[cpu]).words[4], process(program).id().raw());
        ASSERT_EQ(sender().state, ThreadState::InVmHands);
        EXPECT_TRUE(sender().is(kernel::kRestoringAsync));
        const uint64_t asked = received(worker[cpu]).words[3];
        EXPECT_EQ(resume(worker[cpu], program, asked, outcome, outcome == Error::None ? table_of(program) : PhysicalAddress{}),
                  Error::DoNotReply);
        everybody_runs();
    }
    PhysicalAddress frame_;
};

TEST_F(AsyncRestore, AfterAMoveTheTableIsMadePresentAndOfferedAnew) {
    put(0, other, 11);
    ASSERT_EQ(send(1), Error::None);
    move_the_sender();
    ASSERT_EQ(machine.trap(other, Trap::Receive, kNone), Error::DoNotReply);
    EXPECT_FALSE(done(0));
    expect_request_and_answer(1);
    EXPECT_EQ(sender().state, ThreadState::Ready);
    EXPECT_EQ(FakeMachine::outcome(program), Error::None) << "of thread_affinity";
    ASSERT_FALSE(FakeMachine::waits(other));
    EXPECT_EQ(received(other).words[1], 11u);
    EXPECT_TRUE(done(0));
    EXPECT_EQ(poll(other), Error::NotReady);
}

TEST_F(AsyncRestore, ATableThatVmCannotProvideIsForgotten) {
    put(0, other, 11);
    ASSERT_EQ(send(1), Error::None);
    move_the_sender();
    expect_request_and_answer(1, Error::BadAddress);
    EXPECT_EQ(sender().state, ThreadState::Ready) << "the program has lost its messages, not its life";
    EXPECT_EQ(FakeMachine::outcome(program), Error::None);
    EXPECT_EQ(sender().async.count, 0u);
    EXPECT_EQ(poll(other), Error::NotReady);
    EXPECT_FALSE(done(0));
}

TEST_F(AsyncRestore, AnAnswerThatHelpsNothingIsAskedForAgain) {
    put(0, other, 11);
    ASSERT_EQ(send(1), Error::None);
    unmap_table();
    move_the_sender();
    const uint64_t first = received(worker[1]).words[3];
    expect_request_and_answer(1);
    EXPECT_EQ(received(worker[1]).words[3], first + 1);
    map_table();
    expect_request_and_answer(1);
    EXPECT_EQ(poll(other), Error::None);
}

TEST_F(AsyncRestore, TheSenderDiesInVmsHands) {
    put(0, other, 11);
    ASSERT_EQ(send(1), Error::None);
    move_the_sender();
    const uint64_t asked = received(worker[1]).words[3];
    kill(program);
    EXPECT_EQ(sender().state, ThreadState::Dead);
    EXPECT_EQ(sender().nodes_out, 0u);
    EXPECT_EQ(resume(worker[1], program, asked, Error::None, table_of(program)), Error::DoNotReply);
    EXPECT_EQ(sender().state, ThreadState::Dead);
    EXPECT_EQ(poll(other), Error::NotReady);
}

TEST_F(AsyncRestore, TheDestinationDiesWhileTheTableIsAbsent) {
    put(0, other, 11);
    ASSERT_EQ(send(1), Error::None);
    move_the_sender();
    kill(other);
    expect_request_and_answer(1);
    EXPECT_TRUE(done(0));
    EXPECT_EQ(from_register(entry(0).result), Error::DeadSourceOrDestination);
}

// The receiver asks at a moment when the page is away: its message comes when the sender has run.
TEST_F(AsyncRestore, AReceiverThatAsksInVainIsNotForgotten) {
    put(0, other, 11);
    ASSERT_EQ(send(1), Error::None);
    unmap_table();
    ASSERT_EQ(machine.trap(other, Trap::Receive, kNone), Error::DoNotReply);
    everybody_runs();
    map_table();
    expect_request_and_answer(0);
    ASSERT_FALSE(FakeMachine::waits(other));
    EXPECT_EQ(received(other).words[1], 11u);
    EXPECT_TRUE(done(0));
}

// Delivered while the table could not be written, as between a fork and the first store.
TEST_F(AsyncRestore, WhatWasDeliveredIsMarkedLaterAndNotDeliveredTwice) {
    put(0, other, 11);
    ASSERT_EQ(send(1), Error::None);
    map_table(paged_space::kUserPage & ~uint64_t{kernel::space::PageEntry::kWritable});
    ASSERT_EQ(machine.trap(other, Trap::Receive, kNone), Error::None);
    EXPECT_EQ(received(other).words[1], 11u);
    EXPECT_FALSE(done(0));
    everybody_runs();
    EXPECT_EQ(received(worker[0]).words[2], uint64_t{kFaultPresent | kFaultWrite | kFaultUser});
    map_table();
    expect_request_and_answer(0);
    EXPECT_TRUE(done(0));
    EXPECT_EQ(from_register(entry(0).result), Error::None);
    EXPECT_EQ(poll(other), Error::NotReady);
    EXPECT_EQ(sender().async.count, 0u);
}

// The letter is taken on the other CPU, and the news of it follows the sender to a CPU that lacks the table.
TEST_F(AsyncRestore, AnAnswerThatFollowsAMoveIsWrittenWhenTheTableIsThere) {
    ASSERT_EQ(call(program, KernelCall::ThreadCreate, {0x1000, 0x2000, 0, 0, 1}), Error::None);
    const Endpoint helper{static_cast<uint32_t>(message.words[1])};
    ASSERT_EQ(machine.trap(far, Trap::Receive, kNone), Error::DoNotReply);
    put(0, far, 11);
    machine.enter(program, Trap::SendAsync, kNone, kNone, {{0, at(0).raw(), 1}});
    machine.enter(other, uint64_t{7}, kNone);  // has the CPU now
    machine.enter_call(helper, static_cast<uint64_t>(KernelCall::ThreadAffinity), {{0, program.raw(), 1}});
    machine.turn(CpuId{1});  // the letter's answer lies behind the affinity
    EXPECT_EQ(received(far).words[1], 11u);
    machine.settle();
    everybody_runs();
    EXPECT_EQ(sender().home_cpu(), CpuId{1});
    EXPECT_FALSE(done(0));
    expect_request_and_answer(1);
    EXPECT_TRUE(done(0));
    EXPECT_EQ(poll(far), Error::NotReady);
}

// A call's replay and the table's return meet in one thread: first the table, then the call.
TEST_F(AsyncRestore, ACallIsReplayedAfterTheTableIsBack) {
    std::memcpy(page(other, 4), "hello", 5);
    put(0, other, 11);
    ASSERT_EQ(send(1), Error::None);
    EXPECT_EQ(call(program, KernelCall::Copy, {other.raw(), at(4).raw(), kSelf.raw(), at(3).raw(), 5}), Error::DoNotReply);
    const uint64_t asked = received(worker[0]).words[3];
    EXPECT_EQ(received(worker[0]).words[1], at(3).raw());
    EXPECT_FALSE(sender().is(kernel::kRestoringAsync));
    unmap_table();
    EXPECT_EQ(poll(other), Error::NotReady);
    char* to = page(program, 3);
    EXPECT_EQ(resume(worker[0], program, asked), Error::DoNotReply);
    everybody_runs();
    map_table();
    expect_request_and_answer(0);
    EXPECT_EQ(FakeMachine::outcome(program), Error::None);
    EXPECT_EQ(std::string(to, 5), "hello");
    EXPECT_EQ(poll(other), Error::None);
    EXPECT_EQ(received(other).words[1], 11u);
}

TEST_F(AsyncRestore, ATableOverTwoPagesIsTakenOnlyWhenBothAreThere) {
    const VirtualAddress table{at(1).raw() - 80};
    put(0, other, 1);
    std::memcpy(paged_space::object<char[kPageSize]>(frame_) + kPageSize - 80, &entry(0), 80);
    ASSERT_EQ(send(2, table), Error::DoNotReply);
    const Message request = received(worker[0]);
    EXPECT_EQ(request.words[1], at(1).raw());
    EXPECT_EQ(sender().async.count, 0u) << "before its commit point";
    const AsyncEntry second{AsyncEntry::kValid, other, 1, {7, 2}};
    std::memcpy(page(program, 1), &second, sizeof(second));
    EXPECT_EQ(resume(worker[0], program, request.words[3]), Error::DoNotReply);
    everybody_runs();
    EXPECT_EQ(FakeMachine::outcome(program), Error::None);
    for (uint64_t word = 1; word <= 2; ++word) {
        ASSERT_EQ(poll(other), Error::None);
        EXPECT_EQ(received(other).words[1], word);
    }
}

}  // namespace
}  // namespace shoal::test
