// The last node of an ended thread comes home, and with it the thread's slot is free: another CPU takes it at once, and nobody touches it
// any more then (ThreadSanitizer).
#include <gtest/gtest.h>

#include <thread>

#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/machine.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

using namespace kernel;

class SlotTaking {
  public:
    static constexpr CpuId kManagers{0}, kOther{1}, kTaker{2};

    // Every slot but that of the second thread is taken.
    SlotTaking() {
        second = take(kOther, first).release();
        while (take(kTaker, taker_).ok()) continue;
        machine.settle();
    }
    void call(Endpoint who, KernelCall what, uint64_t word) { machine.enter_call(who, static_cast<uint64_t>(what), {{0, word}}); }
    // The second thread has ended, and what it waited for lies in its CPU's mailbox.
    void handle_mail_while_another_takes_the_slot() {
        Endpoint taken{};
        std::thread taking([&] {
            while (taken == Endpoint{}) {
                if (const Result<Endpoint> made = take(kTaker, taker_); made.ok()) taken = made.value();
            }
        });
        machine.turn(kOther);
        taking.join();
        EXPECT_EQ(taken.slot(), second.slot());
        EXPECT_EQ(FakeMachine::thread(taken).flags, 0u);
        machine.settle();
        call(taken, KernelCall::ThreadExit, 0);
        machine.settle();
    }
    void make_second() {
        second = take(kOther, first).release();
        machine.settle();
    }

    FakeMachine machine{3, 8, 12};
    const Endpoint manager = machine.spawn(kManagers), partner = machine.spawn(kManagers), first = machine.spawn(kOther);
    Endpoint second;

  private:
    Result<Endpoint> take(CpuId cpu, Endpoint process) {
        FakeMachine::become(cpu);
        return create_thread(machine::this_cpu(), *FakeMachine::thread(process).process,
                             {VirtualAddress{0x1000}, VirtualAddress{0x2000}, 0, 0, cpu.raw()});
    }

    const Endpoint taker_ = machine.spawn(kTaker);
};

constexpr int kRounds = 200;

TEST(CoreTorture, ASlotThatIsTakenWhileItsLastThreadHearsOfAStop) {
    SlotTaking slots;
    for (int round = 0; round < kRounds && !::testing::Test::HasFailure(); ++round) {
        slots.call(slots.manager, KernelCall::ProcessStop, slots.first.raw());
        slots.call(slots.second, KernelCall::ThreadExit, 0);
        slots.handle_mail_while_another_takes_the_slot();
        slots.call(slots.manager, KernelCall::ProcessResume, slots.first.raw());
        slots.machine.settle();
        slots.make_second();
    }
}

// It has waited twice, and its second wait has asked for another probe.
TEST(CoreTorture, ASlotThatIsTakenWhileItsLastThreadsProbeComesHome) {
    SlotTaking slots;
    for (int round = 0; round < kRounds && !::testing::Test::HasFailure(); ++round) {
        for (const Endpoint sender : {slots.manager, slots.partner}) {
            slots.machine.enter(slots.second, Trap::Receive, kNone, sender);
            slots.machine.enter(sender, Trap::SendNonBlocking, slots.second);
            slots.machine.turn(SlotTaking::kOther);
        }
        ASSERT_TRUE(FakeMachine::thread(slots.second).probe.again.load());
        slots.call(slots.second, KernelCall::ThreadExit, 0);
        slots.machine.turn(SlotTaking::kManagers);
        slots.handle_mail_while_another_takes_the_slot();
        slots.make_second();
    }
}

}  // namespace
}  // namespace shoal::test
