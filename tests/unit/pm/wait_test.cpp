// Wait: who is told of which child's end, when slots are freed, and what becomes of orphans.
#include "tests/unit/pm/pm_fixture.hpp"

namespace shoal::pm::test {
namespace {

class Wait : public Pm {
  protected:
    const Endpoint parent = spawn(kRs);

    void expect_answer(size_t number, Endpoint thread, Error outcome, Endpoint child = {}, int64_t status = 0) {
        ASSERT_GT(system.answers.size(), number);
        const FakeSystem::Answer& answer = system.answers[number];
        EXPECT_EQ(answer.thread, thread);
        EXPECT_EQ(answer.outcome, outcome);
        if (outcome != Error::None) return;
        EXPECT_EQ(answer.child, child);
        EXPECT_EQ(answer.status, status);
    }
};

TEST_F(Wait, AfterTheEndAnswersAtOnce) {
    const Endpoint child = spawn(parent);
    end(child, 42);
    const Waited waited = wait(parent);
    EXPECT_EQ(waited.outcome, Error::None);
    EXPECT_EQ(waited.child.endpoint, child);
    EXPECT_EQ(waited.child.status, 42);
    EXPECT_EQ(wait(parent).outcome, Error::NoChild) << "told twice";
}

TEST_F(Wait, BeforeTheEndAnswersThen) {
    const Endpoint child = spawn(parent);
    EXPECT_EQ(wait(parent, child).outcome, Error::DoNotReply);
    const uint32_t processes = system.processes();
    end(child, -1);
    expect_answer(0, parent, Error::None, child, -1);
    EXPECT_EQ(system.processes(), processes - 1) << "the answer came before the slots were free";
}

TEST_F(Wait, PollDoesNotWait) {
    const Endpoint child = spawn(parent);
    EXPECT_EQ(poll(parent).outcome, Error::Again);
    end(child, 1);
    EXPECT_EQ(poll(parent, child).outcome, Error::None);
    EXPECT_EQ(poll(parent, child).outcome, Error::NoChild);
    EXPECT_TRUE(system.answers.empty());
}

TEST_F(Wait, OnlyForOwnChildren) {
    const Endpoint other = spawn(kRs), child = spawn(parent), grandchild = spawn(child);
    EXPECT_EQ(wait(other, child).outcome, Error::NoChild);
    EXPECT_EQ(wait(parent, grandchild).outcome, Error::NoChild);
    EXPECT_EQ(wait(child, child).outcome, Error::NoChild);
    EXPECT_EQ(wait(parent, kSelf).outcome, Error::NoChild);
}

TEST_F(Wait, ZombiesComeInTheOrderOfTheirEnd) {
    const Endpoint first = spawn(parent), second = spawn(parent), third = spawn(parent);
    end(second, 2);
    end(third, 3);
    end(first, 1);
    EXPECT_EQ(wait(parent, third).child.status, 3) << "by name out of order";
    EXPECT_EQ(wait(parent).child.endpoint, second);
    EXPECT_EQ(wait(parent).child.endpoint, first);
}

TEST_F(Wait, OneEndAnswersOneWaiterAndTellsTheIdle) {
    const Endpoint child = spawn(parent), second = system.add_thread(parent), third = system.add_thread(parent);
    EXPECT_EQ(wait(parent, child).outcome, Error::DoNotReply);
    EXPECT_EQ(wait(second, child).outcome, Error::DoNotReply);
    EXPECT_EQ(wait(third).outcome, Error::DoNotReply);
    end(child, 6);
    ASSERT_EQ(system.answers.size(), 3u);
    expect_answer(0, parent, Error::None, child, 6);
    expect_answer(1, second, Error::NoChild);
    expect_answer(2, third, Error::NoChild);
}

TEST_F(Wait, ANameDoesNotTakeAnothersEnd) {
    const Endpoint first = spawn(parent), second = spawn(parent), thread = system.add_thread(parent);
    EXPECT_EQ(wait(thread, second).outcome, Error::DoNotReply);
    end(first, 1);
    EXPECT_TRUE(system.answers.empty());
    end(second, 2);
    ASSERT_EQ(system.answers.size(), 1u);
    expect_answer(0, thread, Error::None, second, 2);
    EXPECT_EQ(wait(parent).child.endpoint, first);
}

TEST_F(Wait, AskingAgainReplacesTheQuestion) {
    const Endpoint first = spawn(parent), second = spawn(parent);
    EXPECT_EQ(wait(parent, first).outcome, Error::DoNotReply);
    EXPECT_EQ(wait(parent, second).outcome, Error::DoNotReply);
    end(first, 1);
    EXPECT_TRUE(system.answers.empty());
    end(second, 2);
    EXPECT_EQ(system.answers.size(), 1u);
}

// A thread asked without staying for the answer, and ended; its slot is another process' thread now, which waits too.
TEST_F(Wait, AReusedThreadSlotWaitsForItsOwnProcess) {
    const Endpoint left_over = system.add_thread(parent), child = spawn(parent);
    EXPECT_EQ(wait(left_over, child).outcome, Error::DoNotReply);
    system.end_thread(left_over);
    const Endpoint other = spawn(kRs);
    ASSERT_EQ(other.slot(), left_over.slot());
    const Endpoint others_child = spawn(other);
    EXPECT_EQ(wait(other, others_child).outcome, Error::DoNotReply);
    end(others_child, 9);
    ASSERT_EQ(system.answers.size(), 1u);
    expect_answer(0, other, Error::None, others_child, 9);
    EXPECT_EQ(wait(parent, child).outcome, Error::DoNotReply);
    end(child, 8);
    expect_answer(1, parent, Error::None, child, 8);
}

TEST_F(Wait, ChildrenOfRootAreToldAndGone) {
    const uint32_t processes = system.processes();
    const Endpoint program = spawn(kRs);
    end(program, 17);
    ASSERT_EQ(system.told_root.size(), 1u);
    EXPECT_EQ(system.told_root[0].child, program);
    EXPECT_EQ(system.told_root[0].status, 17);
    EXPECT_EQ(system.processes(), processes);
}

TEST_F(Wait, AParentsEndFreesItsZombiesAndHandsItsChildrenOn) {
    const Endpoint zombie = spawn(parent), orphan = spawn(parent), grandchild = spawn(orphan);
    end(zombie, 1);
    EXPECT_EQ(wait(system.add_thread(parent), orphan).outcome, Error::DoNotReply);
    end(parent, 0);
    EXPECT_TRUE(system.answers.empty()) << "a thread that has died was answered";
    ASSERT_EQ(system.told_root.size(), 1u);
    EXPECT_TRUE(system.runs(orphan));
    EXPECT_EQ(wait(orphan, grandchild).outcome, Error::DoNotReply) << "the orphan keeps its own family";
    end(grandchild, 4);
    expect_answer(0, orphan, Error::None, grandchild, 4);
    end(orphan, 2);
    ASSERT_EQ(system.told_root.size(), 2u);
    EXPECT_EQ(system.told_root[1].child, orphan);
    EXPECT_EQ(system.processes(), 2u) << "RS and PM are left";
    EXPECT_EQ(system.spaces(), 2u);
}

TEST_F(Wait, OneNotificationMayStandForMany) {
    const Endpoint first = spawn(parent), second = spawn(parent);
    system.stop(parent, 3);
    system.stop(first, 1);
    system.stop(second, 2);
    server.collect_stopped();
    EXPECT_EQ(system.told_root.size(), 3u);
    EXPECT_EQ(system.processes(), 2u);
    server.collect_stopped();  // and one may come for nothing
}

TEST_F(Wait, SlotsThatTheKernelKeepsAreReportedAndLost) {
    const Endpoint child = spawn(parent);
    end(child, 1);
    system.fail_next(Step::Release, Error::Busy);
    testing::internal::CaptureStdout();
    EXPECT_EQ(wait(parent).child.status, 1);
    EXPECT_NE(testing::internal::GetCapturedStdout().find("are lost: resource busy"), std::string::npos);
    EXPECT_EQ(wait(parent).outcome, Error::NoChild);
}

}  // namespace
}  // namespace shoal::pm::test
