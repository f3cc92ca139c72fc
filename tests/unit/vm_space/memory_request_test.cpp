// Memory requests: the kernel has met absent pages in a copy, and goes on with what VM has made of them.
#include <gtest/gtest.h>

#include "servers/vm/fault/fault.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class MemoryRequests : public ::testing::Test {
  protected:
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite, kFlags = kMapPrivate | kMapAnonymous | kMapFixed;
    static constexpr VirtualAddress kPlace{0x4000'0000};

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
    }
    VirtualAddress map(VirtualAddress at, uint64_t pages, uint64_t protection = kBoth) {
        return vm.mmap(kCpu0, process, pages * kPageSize, protection, kFlags, at).release();
    }
    Action ask(VirtualAddress address, uint64_t bytes, uint64_t flags = kFaultUser) {
        WorkerContext worker = vm.context(kCpu0);
        Receipt receipt;
        receipt.status = kFromKernel;
        receipt.message = {{0, address.raw(), flags, 1, process.raw(), 0, bytes, process.raw()}};
        receipt.message.set_type(kMemoryRequest);
        worker.worker.epoch.enter_fenced();
        const Action action = serve_memory_request(worker, receipt);
        worker.worker.epoch.leave();
        return action;
    }
    uint64_t resident() { return vm.usage(kCpu0, process).resident_pages; }

    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0);
};

TEST_F(MemoryRequests, OneLeafAnAnswer) {
    const VirtualAddress a = map(kPlace - kPageSize, 2);
    const Action first = ask(a, 2 * kPageSize);
    EXPECT_EQ(first.error, Error::None);
    EXPECT_EQ(first.link.base, a.leaf_down());
    const Action second = ask(kPlace, kPageSize);
    EXPECT_EQ(second.link.base, kPlace);
    EXPECT_EQ(resident(), 2u);
}

// The first page's leaf was noted for the CPU; the answer that would have linked it was spoilt by the second page.
TEST_F(MemoryRequests, ALinkThatARefusalKeptComesWithTheNextAnswer) {
    const VirtualAddress a = map(kPlace, 1);
    EXPECT_EQ(ask(a, 2 * kPageSize).error, Error::BadAddress);
    const Action again = ask(a, kPageSize);
    EXPECT_EQ(again.error, Error::None);
    EXPECT_TRUE(again.link.wanted());
}

TEST_F(MemoryRequests, ADevicesPageIsRefusedAndItsLeafServesOthers) {
    const uint64_t device = Machine::kDevice.first.address().raw();
    const Message answer = vm.call(kCpu0, process, VmCall::MapPhys, {{0, 0, device, kPageSize, kBoth}});
    const VirtualAddress d{answer.words[1]};
    const VirtualAddress a = map(d + kPageSize, 1);
    ASSERT_EQ(a.leaf_down(), d.leaf_down());
    EXPECT_EQ(ask(d, 8).error, Error::BadAddress);
    EXPECT_EQ(ask(a, 8).error, Error::None);
    EXPECT_TRUE(ask(a, 8).link.wanted()) << "the kernel asks again if it still finds nothing";
}

TEST_F(MemoryRequests, ALongRangeIsServedInParts) {
    const VirtualAddress a = map(kPlace, 4 * kPagesPerLeaf);
    for (uint64_t page = 0; page < 4 * kPagesPerLeaf; ++page) ASSERT_EQ(vm.write(kCpu0, process, a + page * kPageSize, 1), Error::None);
    const uint64_t before = vm.processes().find(process)->leaves.find(a + 3 * kLeafSize)->faults;
    EXPECT_EQ(ask(a, 4 * kLeafSize).error, Error::None);
    EXPECT_EQ(vm.processes().find(process)->leaves.find(a + 3 * kLeafSize)->faults, before) << "others wait meanwhile";
}

TEST_F(MemoryRequests, WhatIsNotAllowedIsRefused) {
    const VirtualAddress a = map(kPlace, 1, kProtectRead);
    EXPECT_EQ(ask(a, 8, kFaultUser | kFaultWrite).error, Error::AccessDenied);
    EXPECT_EQ(ask(kPlace + kLeafSize, 8).error, Error::BadAddress);
    EXPECT_EQ(ask(a, kUserTop).error, Error::BadAddress);
}

// Of a process of little quota, whose memory `process` has been granted.
class RequestsForAnother : public MemoryRequests {
  protected:
    static constexpr uint64_t kQuota = 64, kKept = kQuota / 8, kMapped = 2 * kPagesPerLeaf, kPages = 200;
    static constexpr uint64_t kReading = kFaultUser, kWriting = kFaultUser | kFaultWrite;

    void SetUp() override { ASSERT_TRUE(vm.mmap(kCpu0, poor, kMapped * kPageSize, kBoth, kFlags, kPlace).ok()); }
    void TearDown() override {
        EXPECT_EQ(vm.exit(kCpu0, poor), Error::None);
        MemoryRequests::TearDown();
    }
    static VirtualAddress page(uint64_t number) { return kPlace + number * kPageSize; }
    Error ask_by(ProcessId requester, VirtualAddress at, uint64_t pages, uint64_t flags = kWriting) {
        return vm.request_memory(kCpu0, requester, poor, at, pages * kPageSize, flags);
    }
    uint64_t charged() { return vm.processes().find(poor)->quota.charged().raw(); }

    const ProcessId poor = vm.create(kCpu1, kQuota);
};

TEST_F(RequestsForAnother, TheLastOfItsQuotaIsItsOwn) {
    for (const uint64_t flags : {kReading, kWriting}) {
        EXPECT_EQ(ask_by(process, page(0), kPages, flags), Error::NoMemory);
        EXPECT_LE(charged(), kQuota - kKept);
        EXPECT_GE(charged(), kQuota - kKept - 1) << "so much it pays for";
        EXPECT_EQ(ask_by(process, page(150), 1, flags), Error::NoMemory) << "nor later";
        EXPECT_EQ(ask_by(process, page(0), 8, flags), Error::None) << "what it has is paid for";
    }
    EXPECT_EQ(vm.write(kCpu0, poor, page(150), 7), Error::None);
    EXPECT_EQ(ask_by(poor, page(151), kKept - 1), Error::None) << "a copy of its own";
    EXPECT_EQ(ask_by(process, page(150), kKept), Error::None);
    EXPECT_EQ(vm.read(kCpu0, poor, page(150)).release(), 7u);
}

// Of a leaf that has its regions to itself, too.
TEST_F(RequestsForAnother, WhatElseIsInTheWayIsSaidFirst) {
    ASSERT_EQ(ask_by(process, page(0), kPages), Error::NoMemory);
    const VirtualAddress bare = page(198), beyond = page(kMapped);
    ASSERT_EQ(vm.mprotect(kCpu0, poor, bare, 2 * kPageSize, kProtectRead), Error::None);
    ASSERT_TRUE(vm.processes().find(poor)->leaves.find(bare)->detached());
    EXPECT_EQ(ask_by(process, bare, 1, kWriting), Error::AccessDenied);
    EXPECT_EQ(ask_by(process, bare, 1, kReading), Error::NoMemory);
    EXPECT_EQ(ask_by(process, beyond, 1), Error::BadAddress);
    ASSERT_EQ(vm.mprotect(kCpu0, poor, beyond - kPageSize, kPageSize, kProtectNone), Error::None);
    EXPECT_EQ(ask_by(process, beyond - kPageSize, 1, kReading), Error::AccessDenied);
    EXPECT_EQ(ask_by(process, beyond - 2 * kPageSize, 1), Error::NoMemory);
}

}  // namespace
}  // namespace shoal::vm::test
