// Birth, sharing and end of spaces; running out of memory; going on from a copy of the arena.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "servers/vm/requests/dispatcher.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

Error share(Harness& vm, ProcessId from, VirtualAddress address, uint64_t bytes, ProcessId to) {
    return vm.call(kCpu0, from, VmCall::Share, {{0, from.raw(), address.raw(), bytes, to.raw()}}).outcome();
}

TEST(Lifecycle, AnEndGivesEverythingBack) {
    Harness vm({.cpus = 2, .slots = 256});
    (void)vm.exit(kCpu0, vm.create(kCpu0));
    vm.settle();
    const uint64_t before = vm.arena().frames_in_use();
    for (unsigned round = 0; round < 200; ++round) {
        const ProcessId process = vm.create(round % 2 == 0 ? kCpu0 : kCpu1);
        const VirtualAddress a = vm.mmap(kCpu0, process, 1 << 20).release();
        for (unsigned i = 0; i < 16; ++i)
            ASSERT_EQ(vm.write(i % 2 == 0 ? kCpu0 : kCpu1, process, a + i * 8 * kPageSize, 1), Error::None);
        ASSERT_EQ(vm.exit(kCpu0, process), Error::None);
        ASSERT_EQ(vm.exit(kCpu0, process), Error::NoProcess);
    }
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_LE(vm.arena().frames_in_use(), before + 32);  // slabs that stay for the next one
}

TEST(Lifecycle, ASlotIsGivenOnceAndEndsOnce) {
    Harness vm({.cpus = 2});
    const ProcessId process = vm.create(kCpu1), manager = vm.create(kCpu0);
    EXPECT_EQ(vm.call(kCpu0, manager, VmCall::Create, {{0, process.raw(), process.raw()}}).outcome(), Error::Busy);
    EXPECT_EQ(vm.call(kCpu0, manager, VmCall::Exit, {{0, process.raw()}}).outcome(), Error::Invalid) << "unannounced";
    ASSERT_EQ(vm.willexit(kCpu0, process), Error::None);
    WorkerContext worker = vm.context(kCpu0);
    Exchange first;
    first.message.words[1] = process.raw();
    first.message.words[kVmCallerWord] = manager.raw() | kVmCallAllowed;
    first.message.set_type(kVmCallBase + static_cast<uint32_t>(VmCall::Exit));
    ASSERT_EQ(dispatch(worker, first).kind, Action::Kind::None) << "on its way to the worker of its home";
    EXPECT_EQ(vm.call(kCpu0, manager, VmCall::Exit, {{0, process.raw()}}).outcome(), Error::Busy);
    vm.settle();
    EXPECT_EQ(vm.call(kCpu0, manager, VmCall::Exit, {{0, process.raw()}}).outcome(), Error::NoProcess);
    EXPECT_EQ(vm.audit(), 0u);
}

// CPU 0's worker has flushed pages of the space everywhere and does not come to hear of it; its kernel does what is asked of it.
TEST(Lifecycle, AnEndWaitsUntilBatchesHaveLetGoOfTheLeaves) {
    constexpr auto kLongEnough = std::chrono::milliseconds(200);
    Harness vm({.cpus = 2});
    const ProcessId process = vm.create(kCpu1);
    const VirtualAddress a = vm.mmap(kCpu0, process, 4 * kPageSize).release();
    ASSERT_EQ(vm.write(kCpu0, process, a, 1), Error::None);
    ASSERT_EQ(vm.read(kCpu1, process, a).release(), 1u);
    const uint64_t flushes = vm.machine.remote_flushes;

    std::unique_lock other(vm.machine.turn(kCpu1));
    std::thread unmapping([&] { (void)vm.munmap(kCpu0, process, a, kPageSize); });
    while (vm.machine.remote_flushes == flushes) std::this_thread::yield();
    std::unique_lock deaf(vm.machine.turn(kCpu0));
    vm.machine.drive(kCpu1);
    vm.machine.acknowledge();
    other.unlock();

    std::atomic<bool> ended{false};
    std::thread ending([&] {
        EXPECT_EQ(vm.exit(kCpu1, process), Error::None);
        ended = true;
    });
    const auto until = std::chrono::steady_clock::now() + kLongEnough;
    while (!ended && std::chrono::steady_clock::now() < until) {
        vm.machine.drive(kCpu0);
        vm.machine.acknowledge();
        std::this_thread::yield();
    }
    EXPECT_FALSE(ended);
    deaf.unlock();
    ending.join();
    unmapping.join();
    EXPECT_EQ(vm.audit(), 0u);
}

// Who is inside may hold what it has found: an end waits for it, but not where nobody else has ever found the space.
TEST(Lifecycle, AnEndWaitsForOtherWorkersWhereTheyHaveFoundTheSpace) {
    constexpr auto kLongEnough = std::chrono::milliseconds(200);
    for (const bool found : {false, true}) {
        Harness vm({.cpus = 2});
        const ProcessId process = vm.create(kCpu0);
        const VirtualAddress a = vm.mmap(kCpu0, process, 4 * kPageSize).release();
        ASSERT_EQ(vm.write(kCpu0, process, a, 1), Error::None);
        if (found) (void)vm.usage(kCpu1, process);
        WorkerContext other = vm.context(kCpu1);
        other.worker.epoch.enter_fenced();
        std::atomic<bool> ended{false};
        std::thread ending([&] {
            EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
            ended = true;
        });
        if (found) {
            std::this_thread::sleep_for(kLongEnough);
            EXPECT_FALSE(ended);
            other.worker.epoch.leave();
        }
        ending.join();
        if (!found) other.worker.epoch.leave();
        EXPECT_EQ(vm.audit(), 0u);
    }
}

TEST(Lifecycle, SharedMemoryOutlivesEitherSide) {
    Harness vm({.cpus = 2});
    const ProcessId parent = vm.create(kCpu0), child = vm.create(kCpu1);
    const VirtualAddress a = vm.mmap(kCpu0, parent, 8 * kPageSize).release();
    ASSERT_EQ(vm.write(kCpu0, parent, a, 1), Error::None);
    ASSERT_EQ(share(vm, parent, a, 8 * kPageSize, child), Error::None);
    ASSERT_EQ(share(vm, parent, a, 8 * kPageSize, child), Error::Exists);
    ASSERT_EQ(vm.write(kCpu1, child, a + 7 * kPageSize, 9), Error::None);
    EXPECT_EQ(vm.read(kCpu0, parent, a + 7 * kPageSize).release(), 9u);
    EXPECT_EQ(vm.audit(), 0u);
    ASSERT_EQ(vm.exit(kCpu0, parent), Error::None);
    EXPECT_EQ(vm.read(kCpu1, child, a).release(), 1u);
    ASSERT_EQ(vm.munmap(kCpu1, child, a, 4 * kPageSize), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Lifecycle, ALargeShareLeavesTheWorkerFreeBetweenItsSteps) {
    Harness vm({.cpus = 1, .bytes = 64 << 20});
    const ProcessId parent = vm.create(kCpu0), child = vm.create(kCpu0);
    constexpr uint64_t kPages = 5000;
    const VirtualAddress a = vm.mmap(kCpu0, parent, kPages * kPageSize).release();
    ASSERT_EQ(share(vm, parent, a, kPages * kPageSize, child), Error::None);
    for (uint64_t i = 0; i < kPages; i += 499) {
        ASSERT_EQ(vm.write(kCpu0, parent, a + i * kPageSize, i + 1), Error::None);
        EXPECT_EQ(vm.read(kCpu0, child, a + i * kPageSize).release(), i + 1);
    }
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Lifecycle, AShareWithoutMemoryLeavesADestinationThatEnds) {
    Harness vm({.cpus = 2, .bytes = 64 << 20});
    const ProcessId parent = vm.create(kCpu0), child = vm.create(kCpu0, 100);
    const VirtualAddress a = vm.mmap(kCpu0, parent, 200 * kPageSize).release();
    EXPECT_EQ(share(vm, parent, a, 200 * kPageSize, child), Error::NoMemory);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.exit(kCpu0, child), Error::None);
    EXPECT_EQ(vm.write(kCpu0, parent, a + 7 * kPageSize, 1), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(vm.exit(kCpu1, parent), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Lifecycle, ShareRefusesWhatIsNotThere) {
    Harness vm({.cpus = 1});
    const ProcessId parent = vm.create(kCpu0), child = vm.create(kCpu0);
    const VirtualAddress a = vm.mmap(kCpu0, parent, kPageSize).release();
    EXPECT_EQ(share(vm, parent, a, 2 * kPageSize, child), Error::BadAddress);
    EXPECT_EQ(share(vm, parent, a, kPageSize, parent), Error::Invalid);
    EXPECT_EQ(share(vm, parent, a, kPageSize, ProcessId::of(60, 3)), Error::NoProcess);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Lifecycle, ExhaustionIsAnErrorAndPasses) {
    Harness vm({.cpus = 2, .bytes = 24 << 20});
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress a = vm.mmap(kCpu0, process, 64 << 20).release();
    unsigned got = 0;
    while (got < 16384 && vm.write(kCpu0, process, a + got * kPageSize, 1) == Error::None) ++got;
    EXPECT_GT(got, 2000u);
    EXPECT_LT(got, 6144u);
    ASSERT_EQ(vm.munmap(kCpu0, process, a, 64 << 20), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
    const VirtualAddress b = vm.mmap(kCpu1, process, 64 << 20).release();
    const unsigned tables = 64;  // of the old addresses, kept for their next use
    for (unsigned i = 0; i < got - tables; ++i) ASSERT_EQ(vm.write(kCpu1, process, b + i * kPageSize, 1), Error::None) << i;
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(Lifecycle, ACopyOfTheArenaGoesOn) {
    Harness vm({.cpus = 2, .bytes = 16 << 20});
    const ProcessId process = vm.create(kCpu0);
    const VirtualAddress a = vm.mmap(kCpu0, process, 16 * kPageSize).release();
    ASSERT_EQ(vm.write(kCpu0, process, a + 3 * kPageSize, 77), Error::None);
    vm.settle();
    vm.arena().move_to_copy();
    EXPECT_EQ(vm.read(kCpu1, process, a + 3 * kPageSize).release(), 77u);
    EXPECT_EQ(vm.write(kCpu0, process, a + 4 * kPageSize, 78), Error::None);
    EXPECT_EQ(vm.munmap(kCpu0, process, a, 16 * kPageSize), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
