// getrusage: what a process has used of memory, and that info tells the same.
#include <gtest/gtest.h>

#include <mutex>

#include "abi/memory.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "tests/support/vm/file_server.hpp"

namespace shoal::vm::test {
namespace {

struct Used {
    uint64_t peak, minor, major;
    bool operator==(const Used&) const = default;
};

class Usage : public ::testing::Test {
  protected:
    static constexpr uint64_t kPages = 1000;

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : {first, second}) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    Message ask(ProcessId asker, ProcessId of, uint64_t allowed = kVmCallAllowed) {
        return vm.call(kCpu0, asker, VmCall::Getrusage, {{0, of.raw()}}, allowed);
    }
    Used used(ProcessId of) {
        const Message answer = ask(second, of);
        EXPECT_EQ(answer.outcome(), Error::None);
        return {answer.words[1], answer.words[2], answer.words[3]};
    }
    VirtualAddress map(uint64_t pages) { return vm.mmap(kCpu0, first, pages * kPageSize).release(); }
    void touch(VirtualAddress at, uint64_t pages) {
        for (uint64_t i = 0; i < pages; ++i) ASSERT_EQ(vm.write(kCpu0, first, at + i * kPageSize, i), Error::None);
    }
    // As a shortage does; the process' home gives up its empty leaves.
    void trim() {
        {
            std::lock_guard turn(vm.machine.turn(kCpu0));
            WorkerContext worker = vm.context(kCpu0);
            vm.processes().shortage().begin();
            answer_shortage(worker);
        }
        vm.settle();
    }

    Harness vm{{.cpus = 3}};
    const ProcessId first = vm.create(kCpu0), second = vm.create(kCpu1);
};

TEST_F(Usage, CountsEachPageThatAFaultHasMadeReady) {
    const VirtualAddress a = map(kPages);
    EXPECT_EQ(used(first).minor, 0u);
    touch(a, kPages);
    EXPECT_EQ(used(first).minor, kPages);
    touch(a, kPages);
    EXPECT_EQ(used(first).minor, kPages) << "they are there";
    EXPECT_EQ(used(first).major, 0u);
    EXPECT_EQ(used(second).minor, 0u);
}

TEST_F(Usage, FaultsOutliveTheirLeaves) {
    const VirtualAddress a = map(kPages);
    touch(a, kPages);
    ASSERT_EQ(vm.munmap(kCpu0, first, a, kPages * kPageSize), Error::None);
    trim();
    ASSERT_EQ(vm.processes().find(first)->leaves.find(a), nullptr);
    EXPECT_EQ(used(first).minor, kPages);
    touch(map(kPages), kPages);
    EXPECT_EQ(used(first).minor, 2 * kPages);
}

// Of a process with one CPU the peak is low by one loan at most, and never high.
TEST_F(Usage, ThePeakStaysWhenPagesGo) {
    const uint64_t loan = vm.processes().memory().raw() / Quota::kRunsInPool;
    const uint64_t before = used(first).peak;
    const VirtualAddress a = map(kPages);
    touch(a, kPages);
    const uint64_t charged = vm.processes().find(first)->quota.charged().raw();
    EXPECT_GT(charged, kPages);
    EXPECT_EQ(used(first).peak, charged) << "now is the most";
    ASSERT_EQ(vm.munmap(kCpu0, first, a, kPages * kPageSize), Error::None);
    const uint64_t after = used(first).peak;
    EXPECT_LE(after, charged);
    EXPECT_GE(after + loan, charged);
    EXPECT_LT(vm.processes().find(first)->quota.charged().raw(), 100u);
    EXPECT_LT(before, 100u);
    touch(map(10), 10);
    EXPECT_EQ(used(first).peak, after) << "less than before is no peak";
}

TEST_F(Usage, FaultsThatWaitForTheFileServerAreMajor) {
    FileServer server(vm, kCpu2);
    const Message answer = vm.call(kCpu0, first, VmCall::MmapFile, {{0, 0, 64 * kPageSize, kProtectRead, kMapPrivate, 5, 0}});
    ASSERT_EQ(answer.outcome(), Error::None);
    const VirtualAddress a{answer.words[1]};
    for (uint64_t page = 0; page < 16; ++page) ASSERT_EQ(vm.read(kCpu0, first, a + page * kPageSize).release(), FileServer::word_of(5, page));
    EXPECT_EQ(used(first).major, 1u) << "the others came with it";
    ASSERT_EQ(vm.read(kCpu0, first, a + 40 * kPageSize).release(), FileServer::word_of(5, 40));
    EXPECT_EQ(used(first).major, 2u);
    const uint64_t minor = used(first).minor;
    ASSERT_EQ(vm.munmap(kCpu0, first, a, 64 * kPageSize), Error::None);
    trim();
    EXPECT_EQ(used(first).major, 2u);
    EXPECT_EQ(used(first).minor, minor);
    server.end();
    EXPECT_EQ(vm.call(kCpu0, second, VmCall::Clearcache, {{0, FileServer::kDevice}}).outcome(), Error::None);
}

TEST_F(Usage, InfoTellsTheSame) {
    touch(map(kPages), kPages);
    const VirtualAddress buffer = vm.mmap(kCpu0, second, kPageSize).release();
    ASSERT_EQ(vm.call(kCpu0, second, VmCall::Info, {{0, kInfoUsage, first.raw(), buffer.raw(), sizeof(VmUsage)}}).outcome(), Error::None);
    VmUsage usage{};
    for (uint64_t i = 0; i < sizeof usage / sizeof(uint64_t); ++i)
        reinterpret_cast<uint64_t*>(&usage)[i] = vm.read(kCpu0, second, buffer + i * sizeof(uint64_t)).release();
    EXPECT_EQ((Used{usage.peak_pages, usage.minor_faults, usage.major_faults}), used(first));
    EXPECT_EQ(usage.minor_faults, kPages);
}

TEST_F(Usage, SaysWhatIsWrong) {
    for (const ProcessId own : {ProcessId{}, first}) EXPECT_EQ(ask(first, own, 0).outcome(), Error::None);
    EXPECT_EQ(ask(first, second, 0).outcome(), Error::Permission);
    EXPECT_EQ(ask(first, second).outcome(), Error::None);
    const ProcessId nobody = ProcessId::of(60, 3);
    EXPECT_EQ(ask(first, nobody).outcome(), Error::NoProcess);
    EXPECT_EQ(ask(nobody, {}).outcome(), Error::NoProcess);
}

}  // namespace
}  // namespace shoal::vm::test
