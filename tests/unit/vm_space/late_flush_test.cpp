// A page has been put in the place of another one, and some CPU may still use that: nobody gets a right to the new one before that CPU has flushed
// the old one, whoever changes the region's rights meanwhile.
#include <gtest/gtest.h>

#include "abi/trap.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr uint64_t kReadWrite = kProtectRead | kProtectWrite;

class LateFlush : public ::testing::TestWithParam<uint64_t> {
  protected:
    void SetUp() override {
        ASSERT_EQ(vm.write(kCpu0, process, at, 1), Error::None);
        ASSERT_EQ(vm.read(kCpu1, process, at).release(), 1u);
    }
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }
    // Received on CPU 0, and done as far as it can alone.
    void begin(Receipt receipt) {
        const std::lock_guard turn(vm.machine.turn(kCpu0));
        WorkerContext worker = vm.context(kCpu0);
        worker.worker.epoch.enter_fenced();
        (void)dispatch(worker, receipt);
        worker.worker.epoch.leave();
        for (unsigned i = 0; i < 50; ++i) vm.pump(kCpu0);
    }
    void begin_protect(uint64_t protection) {
        Receipt receipt;
        receipt.message = {{0, at.raw(), GetParam() * kPageSize, protection}};
        receipt.message.set_type(kVmCallBase + static_cast<uint32_t>(VmCall::Mprotect));
        receipt.message.words[kVmCallerWord] = process.raw();
        begin(receipt);
    }
    [[nodiscard]] Access access_now() {
        const Leaf& leaf = *vm.processes().find(process)->leaves.find(at);
        EXPECT_GT(leaf.flushing, 0u);
        return leaf.table().get(page_in_leaf(at)).access();
    }

    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress at = vm.mmap(kCpu0, process, 4 * kPageSize).release();
};

INSTANTIATE_TEST_SUITE_P(Pages, LateFlush, ::testing::Values(1, 4));

TEST_P(LateFlush, ACopyIsNotWrittenBeforeAllHaveLetGoOfTheOldPage) {
    const ProcessId child = vm.create(kCpu0);
    ASSERT_EQ(vm.call(kCpu0, process, VmCall::Fork, {{0, process.raw(), child.raw()}}).outcome(), Error::None);
    ASSERT_EQ(vm.read(kCpu1, process, at).release(), 1u);
    Receipt fault;
    fault.status = kFromKernel;
    fault.message = {{0, at.raw(), kFaultUser | kFaultWrite, 1, process.raw()}};
    fault.message.set_type(kPageFault);
    begin(fault);
    ASSERT_FALSE(access_now().writes());
    begin_protect(kReadWrite);
    EXPECT_FALSE(access_now().writes());
    vm.settle();
    EXPECT_EQ(vm.write(kCpu0, process, at, 2), Error::None);
    EXPECT_EQ(vm.read(kCpu1, process, at).release(), 2u);
}

TEST_P(LateFlush, WhatHasBeenMappedIsNotSeenBeforeAllHaveLetGoOfTheOldPage) {
    const ProcessId source = vm.create(kCpu0);
    const VirtualAddress from = vm.mmap(kCpu0, source, kPageSize).release();
    ASSERT_EQ(vm.write(kCpu0, source, from, 7), Error::None);
    Receipt map;
    map.status = kFromKernel;
    map.message = {{0, from.raw(), at.raw() | static_cast<uint64_t>(MapMode::SharedWritable), vm.machine.add_grant_path({}), source.raw(), 0, kPageSize, process.raw()}};
    map.message.set_type(kMapRequest);
    begin(map);
    ASSERT_TRUE(access_now().is_none());
    begin_protect(kReadWrite);
    EXPECT_TRUE(access_now().is_none());
    begin_protect(kProtectRead);
    EXPECT_TRUE(access_now().is_none());
    vm.settle();
    EXPECT_EQ(vm.read(kCpu1, process, at).release(), 7u);
    EXPECT_EQ(vm.write(kCpu0, process, at, 2), Error::AccessDenied);
}

}  // namespace
}  // namespace shoal::vm::test
