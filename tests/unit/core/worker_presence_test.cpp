// The epoch word of a worker: odd while it may hold pointers, even while it waits, whatever its CPU did in between.
#include "abi/worker_epoch.hpp"
#include "tests/unit/core/paged_test.hpp"

namespace shoal::test {
namespace {

constexpr CpuId kThere{1};

class Presence : public PagedTest {
  protected:
    // Worker 0 serves somebody, and nothing but the worker is left to run on CPU 1.
    void SetUp() override {
        ASSERT_EQ(machine.trap(other, Trap::SendReceive, kVm), Error::DoNotReply);
        ASSERT_EQ(machine.trap(far, Trap::Receive, kNone), Error::DoNotReply);
    }
    uint64_t word() { return reinterpret_cast<const WorkerEpoch*>(paged_space::vm_page() + 8 * kThere.raw())->value(); }
    void expect_idle() {
        ASSERT_EQ(machine.turn(kThere), nullptr);
        EXPECT_FALSE(WorkerEpoch::inside(word()));
    }
    void call_worker() {
        ASSERT_EQ(call(worker[0], KernelCall::WorkerCall, {kThere.raw()}), Error::None);
        machine.settle();
        ASSERT_EQ(machine.turn(kThere), &FakeMachine::thread(worker[1]));
        EXPECT_TRUE(WorkerEpoch::inside(word()));
    }
    Error receive(uint64_t flags = 0) {
        return machine.trap(worker[1], static_cast<uint64_t>(Trap::ReplyReceive) | kNoReply | flags, kNone, kAny);
    }
};

TEST_F(Presence, AWorkerThatWakesFromAnIdleCpuIsInside) {
    expect_idle();
    for (int round = 0; round < 3; ++round) {
        const uint64_t before = word();
        call_worker();
        EXPECT_GT(word(), before);
        ASSERT_EQ(receive(), Error::DoNotReply);
        expect_idle();
    }
}

TEST_F(Presence, AWorkerThatFoundNothingAndWaitsIsOutside) {
    for (int round = 0; round < 3; ++round) {
        call_worker();
        const uint64_t before = word();
        ASSERT_EQ(receive(kNonBlocking), Error::NotReady);
        EXPECT_TRUE(WorkerEpoch::inside(word()));
        EXPECT_GT(word(), before);  // it let go of what it held
        ASSERT_EQ(receive(), Error::DoNotReply);
        expect_idle();
    }
}

}  // namespace
}  // namespace shoal::test
