// Swaps beside everything that does not concern them, and beside calls of others that name one of the two.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>
#include <vector>

#include "servers/vm/requests/shortage.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

constexpr VirtualAddress kImageOfBoth{0x4000'0000};

class UpdateRace : public ::testing::Test {
  protected:
    static constexpr uint32_t kCpus = 4;
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite, kFlags = kMapPrivate | kMapAnonymous | kMapFixed;

    // Which of two instances a process is, is written in its memory.
    ProcessId instance(CpuId home, uint64_t number) {
        const ProcessId process = vm.create(home);
        EXPECT_TRUE(vm.mmap(home, process, 4 * kPageSize, kBoth, kFlags, kImageOfBoth).ok());
        for (uint64_t i = 0; i < 4; ++i) EXPECT_EQ(vm.write(home, process, kImageOfBoth + i * kPageSize, number), Error::None);
        return process;
    }
    Error swap(CpuId cpu, ProcessId one, ProcessId other) {
        return vm.call(cpu, rs, VmCall::RsUpdate, {{0, one.raw(), other.raw(), kUpdateNoMaps}}).outcome();
    }
    Harness vm{{.cpus = kCpus}};
    const ProcessId rs = vm.create(kCpu0);
};

// Each CPU has a pair of its own, which it swaps, and a program that goes on faulting.
TEST_F(UpdateRace, PairsAreSwappedAlongsideEachOtherAndFaults) {
    std::vector<std::thread> cpus;
    for (uint32_t n = 0; n < kCpus; ++n)
        cpus.emplace_back([this, n] {
            const CpuId cpu = CpuId::from(n);
            const ProcessId one = instance(cpu, 1), other = instance(CpuId::from((n + 1) % kCpus), 2), program = vm.create(cpu);
            const VirtualAddress at = vm.mmap(cpu, program, 200 * kPageSize).release();
            for (uint64_t round = 0; round < 60; ++round) {
                ASSERT_EQ(swap(cpu, one, other), Error::None);
                ASSERT_EQ(vm.write(cpu, program, at + round * kPageSize, round), Error::None);
                ASSERT_EQ(vm.read(cpu, one, kImageOfBoth + round % 4 * kPageSize).release(), 2 - round % 2);
                ASSERT_EQ(vm.read(CpuId::from(3 - n), other, kImageOfBoth).release(), 1 + round % 2);
            }
            for (const ProcessId process : {one, other, program}) ASSERT_EQ(vm.exit(cpu, process), Error::None);
        });
    for (std::thread& cpu : cpus) cpu.join();
    EXPECT_EQ(vm.audit(), 0u);
}

// Others map what one of the pair has, make it present, and ask about it: each finds one of the two, whole, and nobody is told that there is none.
TEST_F(UpdateRace, WhoNamesOneOfThemFindsOne) {
    const ProcessId one = instance(kCpu0, 1), other = instance(kCpu1, 2);
    std::atomic<bool> done{false};
    std::vector<std::thread> others;
    for (uint32_t n = 1; n < kCpus; ++n)
        others.emplace_back([&, n] {
            const CpuId cpu = CpuId::from(n);
            for (uint64_t turn = 0; !done; ++turn) {
                const ProcessId named = turn % 2 == 0 ? one : other;
                const Message info = vm.call(cpu, rs, VmCall::Getref, {{0, named.raw(), kImageOfBoth.raw()}});
                ASSERT_NE(info.outcome(), Error::NoProcess);
                const Message touched = vm.call(cpu, rs, VmCall::Procctl, {{0, named.raw(), kProcessTouch, kImageOfBoth.raw(), 4 * kPageSize, kFaultUser}});
                ASSERT_EQ(touched.outcome(), Error::None);
                const ProcessId mine = vm.create(cpu);
                const Error shared = vm.call(cpu, rs, VmCall::Share, {{0, named.raw(), kImageOfBoth.raw(), 4 * kPageSize, mine.raw()}}).outcome();
                ASSERT_TRUE(shared == Error::None || shared == Error::BadAddress) << "its source may change meanwhile";
                ASSERT_EQ(vm.exit(cpu, mine), Error::None);
            }
        });
    uint64_t swapped = 0;
    for (uint64_t round = 0; round < 300 || (swapped <= 10 && round < 100'000); ++round) {  // how often it is Busy depends on the host's load
        const Error error = swap(kCpu0, one, other);
        ASSERT_TRUE(error == Error::None || error == Error::Busy);
        swapped += error == Error::None ? 1 : 0;
    }
    done = true;
    for (std::thread& thread : others) thread.join();
    EXPECT_GT(swapped, 10u);
    EXPECT_EQ(vm.audit(), 0u);
    for (const ProcessId process : {one, other}) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

// Whoever looks while a slot is closed and opened again, with nothing changed, finds what is there; and whoever does not find it with find() is
// told to look once more.
TEST_F(UpdateRace, ASlotThatOpensAgainIsNotTakenForEmpty) {
    const ProcessId process = instance(kCpu0, 1);
    ProcessSlot& slot = *vm.processes().slot(process);
    SwapDesk& desk = vm.processes().swap_desk();
    std::atomic<bool> done{false};
    std::thread opening([&] {
        WorkerContext worker = vm.context(kCpu1);
        while (!done) {
            desk.begin(worker);
            slot.close_for_swap();
            slot.reopen(process);
            desk.end(worker);
        }
    });
    uint64_t missed = 0, closed = 0;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (closed < 50'000 && std::chrono::steady_clock::now() < deadline) {
        const uint64_t ended = desk.ended();
        if (slot.find_in_step(process) == nullptr) ++missed;
        if (slot.find(process) != nullptr) continue;
        ++closed;
        if (!desk.may_have_hidden(ended)) ++missed;
    }
    done = true;
    opening.join();
    EXPECT_EQ(missed, 0u);
    EXPECT_GT(closed, 0u);
    EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
}

// Everything that names one of three at once: swaps that share a process, maps by grants and their end, forks, shortages, and ends.
TEST_F(UpdateRace, AllOfItAtOnce) {
    constexpr uint64_t kTurns = 400;
    std::atomic<uint64_t> swapped{0}, mapped{0};
    std::atomic<uint32_t> names[3];
    for (auto& name : names) name = instance(kCpu0, 1).raw();
    const uint64_t chosen = shoal::test::seed();
    std::vector<std::thread> cpus;
    for (uint32_t n = 0; n < kCpus; ++n)
        cpus.emplace_back([&, n] {
            const CpuId cpu = CpuId::from(n);
            std::mt19937_64 random(chosen + n);
            const auto any = [&] { return ProcessId{names[random() % 3].load()}; };
            const ProcessId mine = instance(cpu, 9);
            const VirtualAddress page{kImageOfBoth + random() % 4 * kPageSize};
            for (uint64_t turn = 0; turn < kTurns; ++turn) {
                const ProcessId a = any(), b = any();
                switch (random() % 9) {
                    case 0:
                    case 1: swapped += vm.call(cpu, rs, VmCall::RsUpdate, {{0, a.raw(), b.raw(), random() % 2 != 0 ? uint64_t{kUpdateNoMaps} : uint64_t{0}}}).outcome() == Error::None ? 1 : 0; break;
                    case 2: mapped += vm.map_memory(cpu, mine, {a, kImageOfBoth, kImageOfBoth, 4 * kPageSize, static_cast<MapMode>(random() % 3), {{{a, 5}}, 1}}) == Error::None ? 1 : 0; break;
                    case 3: (void)vm.unmap_memory(cpu, mine, kImageOfBoth); break;
                    case 4: (void)vm.revoke(cpu, a, 5); break;
                    case 5: (void)vm.mprotect(cpu, mine, page, kPageSize, random() % 2 != 0 ? kBoth : uint64_t{kProtectRead}); break;
                    case 6: {
                        const ProcessId copy = vm.create(cpu);
                        (void)vm.call(cpu, rs, VmCall::Fork, {{0, (random() % 2 != 0 ? a : mine).raw(), copy.raw()}});
                        ASSERT_EQ(vm.exit(cpu, copy), Error::None);
                        break;
                    }
                    case 7: {
                        if (turn % 8 != 0) break;
                        auto& name = names[random() % 3];
                        uint32_t ending = name.load();
                        const ProcessId next = instance(cpu, 4);
                        const ProcessId gone{name.compare_exchange_strong(ending, next.raw()) ? ending : next.raw()};
                        Error error = Error::Busy;
                        while (error == Error::Busy) error = vm.exit(cpu, gone);
                        ASSERT_EQ(error, Error::None);
                        break;
                    }
                    default: {
                        const std::lock_guard turn_of_cpu(vm.machine.turn(cpu));
                        WorkerContext worker = vm.context(cpu);
                        vm.processes().shortage().begin();
                        answer_shortage(worker);
                    }
                }
                (void)vm.write(cpu, mine, page, turn);
                (void)vm.read(cpu, mine, page);
            }
            ASSERT_EQ(vm.exit(cpu, mine), Error::None);
        });
    for (std::thread& cpu : cpus) cpu.join();
    EXPECT_GT(swapped, 5u);
    EXPECT_GT(mapped, 5u);
    EXPECT_EQ(vm.audit(), 0u);
    for (auto& name : names) EXPECT_EQ(vm.exit(kCpu0, ProcessId{name.load()}), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

// One grows it by steps longer than all that the other adds, so that nobody shrinks it on purpose; and it interrupts the other one anywhere.
TEST_F(UpdateRace, AHeapIsNeverSmallerThanEitherWasTold) {
    constexpr uint64_t kSteps = 4000, kStep = 32 * kPageSize, kMore = 1;
    const ProcessId process = instance(kCpu1, 1);
    const VirtualAddress start = kImageOfBoth + kLeafSize;
    Space& space = *vm.processes().find(process);
    space.heap_start = space.heap_end = start;
    const auto move_break = [&](CpuId cpu, VirtualAddress to) { return VirtualAddress{vm.call(cpu, process, VmCall::Brk, {{0, to.raw()}}).words[1]}; };
    const auto end = [&](CpuId cpu) { return move_break(cpu, VirtualAddress{0}); };
    std::atomic<bool> done{false}, stopped{false};
    std::atomic<uint64_t> calls{0};
    struct sigaction interrupted {}, before {};
    interrupted.sa_handler = [](int) { std::this_thread::sleep_for(std::chrono::microseconds(50)); };
    sigaction(SIGUSR1, &interrupted, &before);
    std::thread extending([&] {
        for (; !done && calls * kMore < kStep - kMore && !HasFailure(); ++calls) {
            const Message answer = vm.call(kCpu2, rs, VmCall::RsMemctl, {{0, process.raw(), kMemoryExtendHeap, kMore}});
            EXPECT_EQ(answer.outcome(), Error::None);
            EXPECT_GE(end(kCpu2), VirtualAddress{answer.words[1]} + answer.words[2]);
        }
        stopped = true;
        while (!done) std::this_thread::yield();
    });
    for (uint64_t step = 1; step <= kSteps && !HasFailure(); ++step) {
        std::this_thread::sleep_for(std::chrono::microseconds(step % 16));
        pthread_kill(extending.native_handle(), SIGUSR1);
        const VirtualAddress told = move_break(kCpu1, start + step * kStep);
        EXPECT_EQ(told, start + step * kStep);
        for (const uint64_t seen = calls; calls < seen + 2 && !stopped;) std::this_thread::yield();
        EXPECT_GE(end(kCpu1), told) << "step " << step;
    }
    done = true;
    extending.join();
    sigaction(SIGUSR1, &before, nullptr);
    EXPECT_EQ(vm.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
