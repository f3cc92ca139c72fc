// Page faults that VM cannot help: they end the program at once, by what the CPU says of the access and of who ran.
#include "tests/unit/core/paged_test.hpp"

namespace shoal::test {
namespace {

using kernel::ThreadState;

class HopelessFaults : public PagedTest {
  protected:
    void expect_end(uint64_t flags, const char* reason) {
        page(program, 3);
        link(program);
        fault(program, at(3), flags);
        EXPECT_EQ(FakeMachine::thread(program).state, ThreadState::Dead);
        EXPECT_NE(FakeMachine::console.find(std::string("program killed: ") + reason + " at address 0x203000"),
                  std::string::npos)
            << FakeMachine::console;
        EXPECT_TRUE(FakeMachine::waits(worker[0])) << "VM is not asked";
    }
};

// As QEMU's TCG reports the stack of a far return where SMAP is on: CPL 3, no user bit, and the page is there.
TEST_F(HopelessFaults, AnAccessWithTheKernelsRightsToAPresentPage) {
    expect_end(kFaultPresent, "access with the kernel's rights");
}

TEST_F(HopelessFaults, AStoreWithTheKernelsRights) {
    expect_end(kFaultPresent | kFaultWrite, "access with the kernel's rights");
}

TEST_F(HopelessFaults, AReservedBit) {
    expect_end(kFaultPresent | kFaultUser | kFaultReserved, "page fault by a reserved bit of a page table");
}

TEST_F(HopelessFaults, AnAbsentPageIsVmsToProvideWhoseverRightsTheCpuUsed) {
    page(program, 3);
    const uint64_t sequence = fault(program, at(3), 0);
    EXPECT_EQ(received(worker[0]).type(), kPageFault);
    EXPECT_EQ(received(worker[0]).words[2], uint64_t{kFaultUser}) << "user code ran";
    EXPECT_EQ(resume(worker[0], program, sequence, Error::None, table_of(program)), Error::DoNotReply);
    EXPECT_FALSE(FakeMachine::waits(program));
    fault(program, at(3), kFaultPresent);  // and now it is there
    EXPECT_EQ(FakeMachine::thread(program).state, ThreadState::Dead);
}

TEST_F(HopelessFaults, AUsersAccessToKernelMemoryIsRefusedByVm) {
    const VirtualAddress kernel_text{0xffff'ffff'8010'0000};
    const uint64_t sequence = fault(program, kernel_text, kFaultPresent | kFaultUser | kFaultFetch);
    EXPECT_EQ(received(worker[0]).words[1], kernel_text.raw());
    EXPECT_EQ(resume(worker[0], program, sequence, Error::BadAddress), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::thread(program).state, ThreadState::Dead);
    EXPECT_NE(FakeMachine::console.find("killed: bad address at address 0xffffffff80100000"), std::string::npos);
}

using VmFailureDeathTest = PagedTest;

// Without VM no fault could be served any more: the system stops, rather than hang.
TEST_F(VmFailureDeathTest, AnExceptionOrAPageFaultOfAWorkerStopsTheSystem) {
    kernel::Thread& thread = FakeMachine::thread(worker[0]);
    EXPECT_DEATH(kernel::entry::on_exception(thread, 13, 0), "VM never fails");
    EXPECT_DEATH(kernel::entry::on_page_fault(thread, VirtualAddress{0x1234}, kFaultUser), "VM never fails");
}

TEST(UndeclaredWorker, ResumesNobody) {
    FakeMachine machine{1};
    kernel::set_worker_entry(CpuId{0}, VirtualAddress{0x1000}, VirtualAddress{0});
    kernel::start_workers();
    machine.settle();
    EXPECT_EQ(machine.trap(kernel::vm_worker(CpuId{0}).endpoint(), Trap::Resume, machine.spawn(CpuId{0})), Error::TrapDenied);
}

}  // namespace
}  // namespace shoal::test
