// The end of a leaf's table: no CPU can reach it any more when its frame is used again, whatever was under way.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "servers/vm/requests/dispatcher.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class LeafEnd : public ::testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(vm.write(kCpu0, process, a, 1), Error::None); }
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }
    // A thread's fault on CPU 1, which the worker has served and not yet told the kernel about.
    Action serve_on_cpu1(VirtualAddress address) {
        std::lock_guard turn(vm.machine.turn(kCpu1));
        WorkerContext worker = vm.context(kCpu1);
        Receipt receipt;
        receipt.status = kFromKernel;
        receipt.message = {{0, address.raw(), kFaultUser, 1, process.raw()}};
        receipt.message.set_type(kPageFault);
        worker.worker.epoch.enter_fenced();
        return dispatch(worker, receipt);
    }
    // Its trap: the kernel links the table, and the worker waits.
    void finish_on_cpu1(const Action& action) {
        std::lock_guard turn(vm.machine.turn(kCpu1));
        WorkerContext worker = vm.context(kCpu1);
        vm.machine.link(process, action.link);
        worker.worker.epoch.leave();
    }
    // What a shortage asks of the process' home.
    void begin_trim() {
        std::lock_guard turn(vm.machine.turn(kCpu0));
        WorkerContext worker = vm.context(kCpu0);
        vm.processes().shortage().begin();
        answer_shortage(worker);
    }
    // A call's first step on CPU 0, which takes no message before.
    void begin_on_cpu0(VmCall number, const Message& arguments) {
        std::lock_guard turn(vm.machine.turn(kCpu0));
        WorkerContext worker = vm.context(kCpu0);
        Exchange exchange;
        exchange.message = arguments;
        exchange.message.set_type(kVmCallBase + static_cast<uint32_t>(number));
        exchange.message.set_source(Endpoint{0x4000'0000});  // nobody's
        exchange.message.words[kVmCallerWord] = process.raw();
        worker.worker.epoch.enter_fenced();
        ASSERT_EQ(dispatch(worker, exchange).kind, Action::Kind::None);
        worker.worker.epoch.leave();
    }
    void acknowledge_on_cpu1() {
        std::lock_guard turn(vm.machine.turn(kCpu1));
        vm.machine.drive(kCpu1);
        vm.machine.acknowledge();
    }
    // CPU 0 does what it can, CPU 1 nothing.
    void drive_cpu0() {
        std::lock_guard turn(vm.machine.turn(kCpu0));
        for (unsigned i = 0; i < 50; ++i) vm.pump(kCpu0);
    }
    FrameKind kind_of(FrameNumber frame) { return vm.arena().table()[frame].kind(); }
    Leaf* leaf() { return vm.processes().find(process)->leaves.find(a); }

    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress a = vm.mmap(kCpu0, process, kLeafSize).release();
};

TEST_F(LeafEnd, TheTableIsFreedOnlyWhenEveryCpuHasUnlinkedIt) {
    ASSERT_EQ(vm.read(kCpu1, process, a).release(), 1u);
    const FrameNumber table = leaf()->table_frame();
    ASSERT_EQ(vm.discard(kCpu0, process, a, kLeafSize), Error::None);
    begin_trim();
    drive_cpu0();
    ASSERT_NE(leaf(), nullptr);
    EXPECT_TRUE(leaf()->dead);
    EXPECT_EQ(kind_of(table), FrameKind::PageTable);  // CPU 1 has not acknowledged
    vm.settle();
    EXPECT_EQ(leaf(), nullptr);
    EXPECT_NE(kind_of(table), FrameKind::PageTable);
}

TEST_F(LeafEnd, ADeadLeafStaysForAChangeThatMetIt) {
    ASSERT_EQ(vm.read(kCpu1, process, a).release(), 1u);
    const FrameNumber table = leaf()->table_frame();
    ASSERT_EQ(vm.discard(kCpu0, process, a, kLeafSize), Error::None);
    begin_trim();
    drive_cpu0();
    ASSERT_TRUE(leaf()->dead);
    acknowledge_on_cpu1();  // CPU 0 does not know yet, and its change flushes the leaf once more
    begin_on_cpu0(VmCall::Mprotect, {{0, a.raw(), kLeafSize, kProtectRead}});
    ASSERT_EQ(leaf()->flushing, 2u);
    drive_cpu0();  // the table is unlinked everywhere; the second flush is not acknowledged
    ASSERT_NE(leaf(), nullptr);
    EXPECT_EQ(leaf()->flushing, 1u);
    EXPECT_EQ(kind_of(table), FrameKind::PageTable);
    vm.settle();
    EXPECT_EQ(leaf(), nullptr);
    EXPECT_NE(kind_of(table), FrameKind::PageTable);
}

TEST_F(LeafEnd, ALateResumeCannotRelinkTheTableOfADeadLeaf) {
    const FrameNumber table = leaf()->table_frame();
    const Action late = serve_on_cpu1(a);
    ASSERT_EQ(late.link.table, table.address());
    ASSERT_EQ(vm.discard(kCpu0, process, a, kPageSize), Error::None);
    begin_trim();
    drive_cpu0();
    ASSERT_NE(leaf(), nullptr);
    EXPECT_EQ(kind_of(table), FrameKind::PageTable);
    finish_on_cpu1(late);
    vm.settle();
    EXPECT_EQ(leaf(), nullptr);
    EXPECT_NE(kind_of(table), FrameKind::PageTable);  // and no link is left: the audit looks
}

TEST_F(LeafEnd, ALateResumeOfASpaceThatEndedLinksNothing) {
    const Action late = serve_on_cpu1(a);
    std::thread end([&] { EXPECT_EQ(vm.exit(kCpu0, process), Error::None); });
    // Its grace period waits for CPU 1.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_NE(vm.processes().slot(process)->space(), nullptr);
    finish_on_cpu1(late);
    end.join();
    EXPECT_EQ(vm.processes().slot(process)->space(), nullptr);
}

TEST_F(LeafEnd, WhoNeedsTheLeafMeanwhileGetsANewOne) {
    ASSERT_EQ(vm.read(kCpu1, process, a).release(), 1u);
    ASSERT_EQ(vm.discard(kCpu0, process, a, kLeafSize), Error::None);
    begin_trim();
    drive_cpu0();
    ASSERT_TRUE(leaf()->dead);
    EXPECT_EQ(vm.write(kCpu1, process, a + kPageSize, 7), Error::None);  // parks, and is served by the new leaf
    EXPECT_FALSE(leaf()->dead);
    EXPECT_EQ(vm.read(kCpu0, process, a + kPageSize).release(), 7u);
    EXPECT_EQ(vm.read(kCpu0, process, a).release(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
