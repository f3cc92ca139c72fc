// Copies, memory requests, grants, flushes, destruction and areas through the kernel calls.
#include <cstring>

#include "abi/grant.hpp"
#include "tests/unit/core/paged_test.hpp"

namespace shoal::test {
namespace {

class SpaceCalls : public PagedTest {
  protected:
    Error copy(Endpoint from, unsigned from_page, unsigned to_page, uint64_t bytes) {
        return call(program, KernelCall::Copy, {from.raw(), at(from_page).raw(), kSelf.raw(), at(to_page).raw(), bytes});
    }
    Error posted(Endpoint by, KernelCall what, Endpoint about, VirtualRange range) {
        FlushRequest request{process(about).id(), 1, 77, CpuSet::first(2), {range}};
        std::memcpy(paged_space::vm_page() + 512, &request, sizeof(request));
        return call(by, what, {paged_space::kVmPage.raw() + 512});
    }
    // VM has answered; the program's turn comes, and with it the replay.
    Error replay(uint64_t sequence) {
        EXPECT_EQ(resume(worker[0], program, sequence), Error::DoNotReply);
        for (int turns = 0; turns < 4; ++turns) machine.advance(20'000'000);
        return FakeMachine::outcome(program);
    }
    // Has worker 0 run, as it would after some request.
    void call_worker() { EXPECT_EQ(machine.trap(other, Trap::SendReceive, kVm), Error::DoNotReply); }
};

TEST_F(SpaceCalls, ACopyAsksOnceForWhatIsAbsentAndIsReplayed) {
    char* to = page(program, 0);
    link(program), link(other);
    EXPECT_EQ(copy(other, 4, 0, 5), Error::DoNotReply);
    const Message request = received(worker[0]);
    EXPECT_EQ(request.type(), kMemoryRequest);
    EXPECT_EQ(request.words[1], at(4).raw());
    EXPECT_EQ(request.words[4], process(other).id().raw());
    EXPECT_EQ(request.words[6], 5u);
    std::memcpy(page(other, 4), "hello", 5);
    EXPECT_EQ(replay(request.words[3]), Error::None);
    EXPECT_EQ(std::string(to, 5), "hello");
}

TEST_F(SpaceCalls, ARefusedRequestIsTheCallsError) {
    page(program, 0);
    link(program);
    EXPECT_EQ(copy(other, 4, 0, 5), Error::DoNotReply);
    EXPECT_EQ(resume(worker[0], program, received(worker[0]).words[3], Error::BadAddress), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::outcome(program), Error::BadAddress);
}

TEST_F(SpaceCalls, ACopyResumesWhereItStopped) {
    char* to[3] = {page(program, 0), page(program, 1), page(program, 2)};
    std::memset(page(other, 4), 'a', kPageSize), std::memset(page(other, 5), 'b', kPageSize);
    link(program), link(other);
    EXPECT_EQ(copy(other, 4, 0, 3 * kPageSize), Error::DoNotReply);
    EXPECT_EQ(received(worker[0]).words[1], at(6).raw());
    EXPECT_EQ(received(worker[0]).words[6], kPageSize);
    to[0][0] = 'x';  // its own effect must not be undone
    std::memset(page(other, 6), 'c', kPageSize);
    EXPECT_EQ(replay(received(worker[0]).words[3]), Error::None);
    EXPECT_EQ(to[0][0], 'x');
    EXPECT_EQ(to[1][7], 'b');
    EXPECT_EQ(to[2][4095], 'c');
}

TEST_F(SpaceCalls, AProcessDestroyedWhileACopyIsPaused) {
    for (unsigned i = 0; i < 40; ++i) page(program, i), page(other, 100 + i);
    link(program), link(other);
    kernel::Thread& thread = FakeMachine::thread(program);
    const uint64_t rip = thread.registers.rip;
    copy(other, 100, 0, 40 * kPageSize);
    EXPECT_EQ(thread.registers.rip, rip - 2);  // the trap is entered anew
    EXPECT_EQ(thread.registers.r12, 8 * kPageSize);
    kill(other);
    Message rest = thread.registers.message();
    EXPECT_EQ(machine.call(program, static_cast<uint64_t>(KernelCall::Copy), rest), Error::DeadEndpoint);
}

TEST_F(SpaceCalls, TheOneAskedForDiesBeforeTheAnswer) {
    page(program, 0);
    link(program);
    EXPECT_EQ(copy(other, 4, 0, 5), Error::DoNotReply);
    kill(other);
    EXPECT_EQ(replay(received(worker[0]).words[3]), Error::DeadEndpoint);
}

TEST_F(SpaceCalls, GrantsAreCheckedAtEachUse) {
    auto* grants = reinterpret_cast<Grant*>(page(other, 0));
    std::memcpy(page(other, 1), "granted", 7);
    char* to = page(program, 0);
    link(program), link(other);
    constexpr uint32_t kUsable = Grant::kUsed | Grant::kDirect | Grant::kValid;
    grants[0] = {kUsable | Grant::kRead, 3, program, {}, at(1).raw(), 7};
    grants[1] = {kUsable | Grant::kRead | Grant::kTry, 0, kAny, {}, at(9).raw(), 8};
    grants[2] = {kUsable | Grant::kWrite, 0, far, {}, at(1).raw(), 7};
    grants[3] = {kUsable | Grant::kWrite, 0, program, {}, ~uint64_t{0} - 3, 8};
    const auto from = [&](uint64_t number, uint64_t offset, uint64_t bytes) {
        return call(program, KernelCall::SafeCopyFrom, {other.raw(), number, offset, at(0).raw(), bytes});
    };
    const auto into = [&](uint64_t number, uint64_t bytes) {
        return call(program, KernelCall::SafeCopyTo, {other.raw(), number, 0, at(0).raw(), bytes});
    };
    EXPECT_EQ(from(3 << 20, 0, 7), Error::Permission);  // no table yet
    ASSERT_EQ(call(other, KernelCall::GrantTable, {at(0).raw(), 4}), Error::None);
    EXPECT_EQ(from(3 << 20, 0, 7), Error::None);
    EXPECT_EQ(std::string(to, 7), "granted");
    EXPECT_EQ(from(3 << 20, 1, 7), Error::Permission);
    EXPECT_EQ(from(3 << 20, ~uint64_t{0}, 2), Error::Permission);
    EXPECT_EQ(from(2 << 20, 0, 7), Error::Permission);              // an old number
    EXPECT_EQ(from(4, 0, 7), Error::Permission);                    // beyond the table
    EXPECT_EQ(from(uint64_t{1} << 31, 0, 7), Error::Invalid);
    EXPECT_EQ(into(3 << 20, 7), Error::Permission);                 // may only be read
    EXPECT_EQ(into(2, 7), Error::Permission);                       // another's
    EXPECT_EQ(into(3, 8), Error::Permission);                       // wraps
    EXPECT_EQ(from(1, 0, 8), Error::BadAddress);                    // kTry: VM is not asked
    grants[0].flags = 0;
    EXPECT_EQ(from(3 << 20, 0, 7), Error::Permission);              // taken back by one store
}

TEST_F(SpaceCalls, AFlushOfASpaceThatNobodyUsesIsDoneAtOnce) {
    page(far, 0);
    link(far);
    fault(far, at(1));
    machine.turn(CpuId{1});  // the worker runs there
    call_worker();
    EXPECT_EQ(posted(worker[0], KernelCall::Flush, far, {at(0), at(1)}), Error::None);
    EXPECT_EQ(message.words[1], 1u);
}

TEST_F(SpaceCalls, UnlinkReachesTheOtherCpuAndReportsBack) {
    page(far, 0);
    link(far);
    ASSERT_TRUE(mapped(far, at(0), CpuId{1}));
    call_worker();
    EXPECT_EQ(posted(worker[0], KernelCall::Unlink, far, {kLeaf, kLeaf + kLeafSize}), Error::None);
    EXPECT_EQ(message.words[1], 0u);
    EXPECT_FALSE(mapped(far, at(0), CpuId{1}));
    EXPECT_EQ(machine.trap(worker[0], Trap::Receive, kNone), Error::None);
    EXPECT_EQ(received(worker[0]).type(), kFlushDone);
    EXPECT_EQ(received(worker[0]).words[1], 77u);
    link(far);  // again, as after a fault
    EXPECT_TRUE(mapped(far, at(0), CpuId{1}));
}

// VM counts on its own CPU's share in any case.
TEST_F(SpaceCalls, ARefusedFlushFlushesTheCallersCpu) {
    page(program, 0), page(other, 0);
    link(program), link(other);
    call_worker();
    FakeMachine::become(CpuId{0});
    kernel::space::CpuSpaces& here = *kernel::tables.cpus[0].spaces;
    const auto slot = kernel::space::SpaceSlot::of(process(program).id()), another = kernel::space::SpaceSlot::of(process(other).id());
    (void)here.load(slot);
    (void)here.load(another);
    while (kernel::space::FlushBatch* batch = here.new_batch()) here.keep(*batch);
    const uint64_t before = paged_space::loads(CpuId{0}).flushing;
    EXPECT_EQ(posted(worker[0], KernelCall::Flush, program, {at(0), at(1)}), Error::Again);
    FakeMachine::become(CpuId{0});
    (void)here.load(slot);
    EXPECT_GT(paged_space::loads(CpuId{0}).flushing, before);
}

TEST_F(SpaceCalls, FlushRequestsAreChecked) {
    call_worker();
    EXPECT_EQ(posted(worker[0], KernelCall::Flush, far, {VirtualAddress{1}, at(1)}), Error::BadAddress);
    EXPECT_EQ(posted(worker[0], KernelCall::Flush, far, {at(1), at(0)}), Error::BadAddress);
    EXPECT_EQ(posted(worker[0], KernelCall::Flush, far, {at(0), VirtualAddress{~uint64_t{0xfff}}}), Error::BadAddress);
    EXPECT_EQ(posted(worker[0], KernelCall::Flush, worker[0], {at(0), at(1)}), Error::NoProcess);
    EXPECT_EQ(call(worker[0], KernelCall::Flush, {0x123000}), Error::BadAddress);
    EXPECT_EQ(call(program, KernelCall::Flush, {at(0).raw()}), Error::CallDenied);
}

TEST_F(SpaceCalls, ASpaceIsDestroyedOnEveryCpuOnceItsProcessHasStopped) {
    page(far, 0);
    link(far);
    const ProcessId id = process(far).id();
    call_worker();
    EXPECT_EQ(call(worker[0], KernelCall::SpaceDestroy, {id.raw()}), Error::Busy);
    kill(far);
    EXPECT_EQ(call(worker[0], KernelCall::SpaceDestroy, {id.raw()}), Error::None);
    EXPECT_TRUE(kernel::space::gone(process(far)));
    EXPECT_EQ(machine.trap(worker[0], Trap::Receive, kNone), Error::None);
    EXPECT_EQ(received(worker[0]).type(), kSpaceGone);
    EXPECT_EQ(received(worker[0]).words[1], id.raw());
}

TEST_F(SpaceCalls, AreasAreLentAlignedAndComeBackWhenSpare) {
    call_worker();
    EXPECT_EQ(call(worker[0], KernelCall::LendArea, {kLeafSize + kPageSize}), Error::Invalid);
    EXPECT_EQ(call(worker[0], KernelCall::LendArea, {0}), Error::Invalid);
    EXPECT_EQ(call(worker[0], KernelCall::ReclaimArea, {}), Error::NoEntry);
    EXPECT_EQ(call(worker[0], KernelCall::LendArea, {4 * kLeafSize}), Error::None);
    EXPECT_EQ(call(worker[0], KernelCall::ReclaimArea, {}), Error::None);
    EXPECT_EQ(message.words[1], 4 * kLeafSize);
}

}  // namespace
}  // namespace shoal::test
