// A fixture that plays VM's workers on a machine whose processes have page tables.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>

#include "abi/kernel_call_numbers.hpp"
#include "abi/kernel_info.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/space/cpu_spaces.hpp"
#include "kernel/core/space/walk.hpp"
#include "kernel/core/space_interface.hpp"
#include "tests/support/core/paged_space.hpp"

namespace shoal::test {

class PagedTest : public ::testing::Test {
  protected:
    static constexpr uint64_t kResume = static_cast<uint64_t>(Trap::Resume);
    static constexpr VirtualAddress kLeaf{0x20'0000};  // all user pages of the tests lie here

    PagedTest() {
        for (uint16_t cpu = 0; cpu < 2; ++cpu) kernel::set_worker_entry(CpuId{cpu}, VirtualAddress{0x1000}, VirtualAddress{0});
        kernel::start_workers();
        machine.settle();
        for (uint16_t cpu = 0; cpu < 2; ++cpu) {
            worker[cpu] = kernel::vm_worker(CpuId{cpu}).endpoint();
            EXPECT_EQ(call(worker[cpu], KernelCall::WorkerReady, {paged_space::kVmPage.raw() + 8 * cpu}), Error::None);
            EXPECT_EQ(machine.trap(worker[cpu], Trap::Receive, kNone), Error::DoNotReply);
        }
        program = machine.spawn(CpuId{0});
        other = machine.spawn(CpuId{0});
        far = machine.spawn(CpuId{1});
    }
    Error call(Endpoint who, KernelCall what, std::initializer_list<uint64_t> words) {
        message = Message{};
        size_t at = 1;
        for (uint64_t word : words) message.words[at++] = word;
        return machine.call(who, static_cast<uint64_t>(what), message);
    }
    static kernel::Process& process(Endpoint who) { return *FakeMachine::thread(who).process; }
    static kernel::Cpu& cpu(Endpoint who) { return kernel::tables.cpus[FakeMachine::thread(who).home_cpu().index()]; }
    Message received(Endpoint who) { return FakeMachine::thread(who).registers.message(); }

    // The thread faults; its CPU's worker hears of it. The fault's sequence number.
    uint64_t fault(Endpoint who, VirtualAddress address, uint64_t flags = kFaultUser | kFaultWrite) {
        kernel::Thread& thread = FakeMachine::thread(who);
        FakeMachine::become(thread.home_cpu());
        kernel::Cpu& home = cpu(who);
        if (home.current != &thread) {
            home.ready.remove(thread);
            if (home.current != nullptr) home.ready.push_back(*home.current);
            home.current = &thread;
        }
        kernel::entry::on_page_fault(thread, address, flags);
        machine.settle();
        return thread.fault.sequence;
    }
    Error resume(Endpoint by, Endpoint who, uint64_t sequence, Error outcome = Error::None, PhysicalAddress table = {},
                 uint64_t flags = 0) {
        const uint64_t leaf = table.raw() != 0 ? kLeaf.raw() : 0;
        return machine.trap(by, kResume | flags, who, Endpoint{static_cast<uint32_t>(sequence)},
                            {{static_cast<uint64_t>(to_register(outcome)), leaf, table.raw()}});
    }
    // The last-level table of a process, which VM would have.
    PhysicalAddress table_of(Endpoint who) {
        PhysicalAddress& table = tables_[process(who).id().raw()];
        if (table.raw() == 0) table = paged_space::frame();
        return table;
    }
    // A page at kLeaf + page * 4 KiB, present in the table; linked() makes it so for the CPU.
    char* page(Endpoint who, unsigned page, uint64_t rights = paged_space::kUserPage) {
        const PhysicalAddress frame = paged_space::frame();
        paged_space::set(table_of(who), page, frame.raw() | rights);
        return paged_space::bytes(frame);
    }
    void link(Endpoint who) {
        const Endpoint by = worker[FakeMachine::thread(who).home_cpu().index()];
        EXPECT_EQ(resume(by, who, fault(who, kLeaf), Error::None, table_of(who)), Error::DoNotReply);
    }
    bool mapped(Endpoint who, VirtualAddress address, CpuId on) {
        const auto root = kernel::tables.cpus[on.index()].spaces->root(kernel::space::SpaceSlot::of(process(who).id()));
        return kernel::space::walk(root, address, kernel::space::Access::Read).outcome ==
               kernel::space::Translation::Outcome::Mapped;
    }
    void kill(Endpoint who) {
        FakeMachine::become(CpuId{0});
        ASSERT_EQ(kernel::kill_process(kernel::tables.cpus[0], process(who), 1), Error::None);
        machine.settle();
    }
    static VirtualAddress at(unsigned page) { return kLeaf + page * kPageSize; }

    FakeMachine machine{2, 8, 24};
    Endpoint worker[2], program, other, far;
    Message message;

  private:
    std::map<uint32_t, PhysicalAddress> tables_;
};

}  // namespace shoal::test
