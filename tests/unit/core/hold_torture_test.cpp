// Stops, resumes and swaps while the homes of the threads concerned run beside, each CPU of theirs a host thread. Run under ThreadSanitizer too.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/boot.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/hold.hpp"
#include "kernel/core/objects/process_swap.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

using namespace kernel;

// The last CPU runs by itself; whoever steps the others must not step it meanwhile.
class CpuBeside {
  public:
    CpuBeside(FakeMachine& machine, CpuId cpu)
        : thread_([this, &machine, cpu] {
              while (!done_.load(std::memory_order_relaxed))
                  if (machine.turn(cpu) == nullptr) std::this_thread::yield();
          }) {}
    ~CpuBeside() {
        done_.store(true, std::memory_order_relaxed);
        thread_.join();
    }
    CpuBeside(const CpuBeside&) = delete;
    CpuBeside& operator=(const CpuBeside&) = delete;

  private:
    std::atomic<bool> done_{false};
    std::thread thread_;
};

constexpr CpuId kHere{0}, kThere{1}, kBeside{2};

Process& process_of(Endpoint who) { return *FakeMachine::thread(who).process; }

Error call(FakeMachine& machine, Endpoint who, KernelCall what, Message message) {
    return machine.call(who, static_cast<uint64_t>(what), message);
}

// On that CPU.
Result<Endpoint> swap_on(CpuId cpu, ProcessId one, ProcessId other, Endpoint asker, SwapDepth depth = SwapDepth::Whole) {
    FakeMachine::become(cpu);
    return swap_processes(machine::this_cpu(), one, other, asker, depth);
}

Result<uint64_t> stop_on(CpuId cpu, Endpoint manager, Endpoint who) {
    FakeMachine::become(cpu);
    return stop_process(machine::this_cpu(), process_of(manager), who);
}

// The home of a stopped process' first thread puts down that its start has come.
TEST(CoreTorture, AStartComesWhileASwapIsTried) {
    for (int round = 0; round < 20; ++round) {
        FakeMachine machine{3};
        const Endpoint manager = machine.spawn(kHere), other = machine.spawn(kHere);
        FakeMachine::become(kBeside);
        const NewProcess child = create_process(machine::this_cpu(), "child", manager, manager).release();
        ASSERT_TRUE(set_privileges(machine::this_cpu(), child.endpoint, FakeMachine::everything()).ok());
        ASSERT_EQ(machine.trap(other, Trap::Receive, kNone), Error::DoNotReply);
        for (const Endpoint one : {other, child.endpoint}) ASSERT_EQ(call(machine, manager, KernelCall::ProcessStop, {{0, one.raw()}}), Error::None);
        machine.settle();
        const ProcessId id = process_of(other).id();
        const CpuBeside beside(machine, kBeside);
        FakeMachine::become(kHere);
        ASSERT_TRUE(start_process(machine::this_cpu(), child.endpoint, {VirtualAddress{0x1000}, VirtualAddress{0}, 0, 0, kAnyCpu}).ok());
        for (int i = 0; i < 100; ++i) ASSERT_EQ(swap_on(kHere, child.process, id, kNone, SwapDepth::Try).error(), Error::Busy);
    }
}

// It is let go and stopped again, and its home puts down how it goes on: the count of quiet threads alone orders that and the look of the swap.
TEST(CoreTorture, AThreadIsLetGoWhileASwapIsTried) {
    FakeMachine machine{3};
    const Endpoint manager = machine.spawn(kHere), one = machine.spawn(kBeside), other = machine.spawn(kHere);
    for (const Endpoint who : {one, other}) {
        ASSERT_EQ(machine.trap(who, Trap::Receive, kNone), Error::DoNotReply);
        ASSERT_EQ(call(machine, manager, KernelCall::ProcessStop, {{0, who.raw()}}), Error::None);
    }
    const ProcessId a = process_of(one).id(), b = process_of(other).id();
    const CpuBeside beside(machine, kBeside);
    for (int round = 0; round < 5'000; ++round) {
        FakeMachine::become(kHere);
        ASSERT_TRUE(resume_process(machine::this_cpu(), one).ok());
        ASSERT_TRUE(stop_on(kHere, manager, one).ok());
        for (int i = 0; i < 4; ++i) (void)swap_on(kHere, a, b, kNone, SwapDepth::Try);
    }
}

// Both change names; who has not started gets other privileges before its home has heard of the swap.
TEST(CoreTorture, PrivilegesAreSetWhileAHomeHearsOfASwap) {
    FakeMachine machine{3};
    const Endpoint manager = machine.spawn(kHere), one = machine.spawn(kBeside);
    FakeMachine::become(kHere);
    const NewProcess child = create_process(machine::this_cpu(), "child", manager, manager).release();
    ASSERT_TRUE(set_privileges(machine::this_cpu(), child.endpoint, FakeMachine::everything()).ok());
    ASSERT_EQ(machine.trap(one, Trap::Receive, kNone), Error::DoNotReply);
    for (const Endpoint who : {one, child.endpoint}) ASSERT_EQ(call(machine, manager, KernelCall::ProcessStop, {{0, who.raw()}}), Error::None);
    machine.settle();
    const ProcessId id = process_of(one).id();
    const CpuBeside beside(machine, kBeside);
    for (uint32_t round = 0; round < 200; ++round) {
        Error error = Error::Busy;
        while (error == Error::Busy) {
            error = swap_on(kHere, id, child.process, kNone).error();
            if (error == Error::Busy && machine.turn(kHere) != nullptr) std::this_thread::yield();
        }
        ASSERT_EQ(error, Error::None);
        const Endpoint not_started = round % 2 == 0 ? one : child.endpoint;
        const uint32_t priority = 4 + round % 8;
        ASSERT_TRUE(set_privileges(machine::this_cpu(), not_started, FakeMachine::everything(kSystemProcess, priority)).ok());
        ASSERT_EQ(FakeMachine::thread(not_started).priority, priority);
    }
}

// A process asks for its update again and again, from one name and then from the other. The one that is stopped has a further thread, which
// goes to and fro with it and must not be let go: it would receive.
class FurtherThread {
  public:
    FurtherThread() {
        for (const CpuId cpu : {kHere, kThere, kBeside}) set_worker_entry(cpu, VirtualAddress{0x1000}, VirtualAddress{0});
        start_workers();
        machine.settle();
        for (const CpuId cpu : {kHere, kThere, kBeside}) {
            const Endpoint worker = vm_worker(cpu).endpoint();
            EXPECT_EQ(call(machine, worker, KernelCall::WorkerReady, {}), Error::None);
            EXPECT_EQ(machine.trap(worker, Trap::Receive, kNone), Error::DoNotReply);
        }
        Message create{{0, 0x1000, 0x2000, 0, 0, kBeside.raw()}};
        EXPECT_EQ(machine.call(stopped, static_cast<uint64_t>(KernelCall::ThreadCreate), create), Error::None);
        further = Endpoint{static_cast<uint32_t>(create.words[1])};
        for (const Endpoint who : {stopped, further}) EXPECT_EQ(machine.trap(who, Trap::Receive, kNone), Error::DoNotReply);
        EXPECT_EQ(call(machine, manager, KernelCall::ProcessStop, {{0, stopped.raw()}}), Error::None);
        EXPECT_EQ(machine.trap(caller, Trap::Send, further), Error::DoNotReply);
        EXPECT_EQ(machine.trap(asker, Trap::SendReceive, kVm, kAny, {{kVmCallBase + 41}}), Error::DoNotReply);
    }
    // The further thread's home hears once more that it is stopped, and then that it has been swapped.
    void swap() {
        ASSERT_TRUE(stop_on(home, manager, stopped).ok());
        machine.turn(home == kHere ? kThere : kHere);
        const auto once = [&] { return swap_on(home, process_of(asker).id(), process_of(stopped).id(), asker).error(); };
        Error error = once();
        for (; error == Error::Busy; error = once()) std::this_thread::yield();
        ASSERT_EQ(error, Error::None);
        std::swap(asker, stopped);
        home = home == kHere ? kThere : kHere;
        for (const CpuId cpu : {kHere, kThere}) machine.turn(cpu);
    }

    FakeMachine machine{3};
    Endpoint manager = machine.spawn(kHere), caller = machine.spawn(kHere), asker = machine.spawn(kHere), stopped = machine.spawn(kThere), further;
    CpuId home = kHere;  // of the asker
};

TEST(CoreTorture, AFurtherThreadStaysHeldWhileItsProcessIsSwapped) {
    FurtherThread t;
    {
        const CpuBeside beside(t.machine, kBeside);
        for (int round = 0; round < 2'000 && !::testing::Test::HasFailure(); ++round) t.swap();
    }
    t.machine.settle();
    EXPECT_EQ(FakeMachine::thread(t.further).state, ThreadState::Held);
    EXPECT_EQ(FakeMachine::thread(t.further).held.next, Thread::Next::Receive) << "it has received";
    EXPECT_EQ(FakeMachine::thread(t.caller).state, ThreadState::Sending);
}

}  // namespace
}  // namespace shoal::test
