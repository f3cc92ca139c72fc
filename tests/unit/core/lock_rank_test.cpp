// The kernel's locks keep their ranks: debug builds end where the order is broken, by whatever way the second lock is reached.
#include <gtest/gtest.h>

#include "base/lock/guard.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/process_table.hpp"
#include "kernel/core/objects/stopped_children.hpp"
#include "kernel/core/wait/wait_table.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

class LockRanks : public ::testing::Test {
  protected:
    FakeMachine machine{1};
    kernel::Cpu& cpu = kernel::tables.cpus[0];
    Endpoint program = machine.spawn(CpuId{0});
    kernel::Process& process = *FakeMachine::thread(program).process;
    SpinLock<KernelRank::WaitBucket> bucket;
    SpinLock<KernelRank::Console> console;
};

TEST_F(LockRanks, RisingOnesNestAndAllAreGivenBack) {
    {
        Guard outer{cpu.locks, bucket};
        Guard inner{cpu.locks, console};
        EXPECT_TRUE(!kCheckLockOrder || cpu.locks.held().holds(rank_index(KernelRank::Console)));
    }
    EXPECT_TRUE(cpu.locks.held().none());
    EXPECT_TRUE(kernel::create_process(cpu, "", kRs, kRs).ok());
    kernel::wake_word(cpu, process, VirtualAddress{plain_space::kBase}, 1);
    EXPECT_TRUE(cpu.locks.held().none());
}

#ifndef NDEBUG

using LockRanksDeathTest = LockRanks;

TEST_F(LockRanksDeathTest, ProcessesAndSlotsUnderABucket) {
    Guard guard{cpu.locks, bucket};
    EXPECT_DEATH((void)kernel::create_process(cpu, "", kRs, kRs), "lock rank inversion");
    EXPECT_DEATH((void)kernel::kill_process(cpu, process, 1), "lock rank inversion");
}

TEST_F(LockRanksDeathTest, ABucketUnderABucket) {
    Guard guard{cpu.locks, bucket};
    EXPECT_DEATH(kernel::wake_word(cpu, process, VirtualAddress{plain_space::kBase}, 1), "lock rank inversion");
}

TEST_F(LockRanksDeathTest, AnythingUnderTheConsole) {
    Guard guard{cpu.locks, console};
    EXPECT_DEATH(kernel::wake_word(cpu, process, VirtualAddress{plain_space::kBase}, 1), "lock rank inversion");
    EXPECT_DEATH((void)kernel::reap_process(cpu, process), "lock rank inversion");
}

#endif

}  // namespace
}  // namespace shoal::test
