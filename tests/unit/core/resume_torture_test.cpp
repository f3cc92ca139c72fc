// Faults at 4 CPUs whose answers come from any worker, beside stale ones and duplicates: each fault is resumed, once, and not before its
// answer. Each CPU is a host thread. Run under ThreadSanitizer too.
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/machine.hpp"
#include "tests/support/core/fake_machine.hpp"
#include "tests/support/seed.hpp"

namespace shoal::test {
namespace {

using namespace kernel;

constexpr uint32_t kCpus = 4, kPrograms = 12;
constexpr uint64_t kFaults = 5'000;  // of each program
constexpr auto kPatience = std::chrono::seconds(60);

class FaultTorture {
  public:
    explicit FaultTorture(uint64_t seed) : seed_(seed) {
        for (uint16_t cpu = 0; cpu < kCpus; ++cpu) set_worker_entry(CpuId{cpu}, VirtualAddress{0x1000}, VirtualAddress{0});
        start_workers();
        machine_.settle();
        for (uint16_t cpu = 0; cpu < kCpus; ++cpu) {
            Message message;
            const Endpoint worker = vm_worker(CpuId{cpu}).endpoint();
            SHOAL_CHECK(machine_.call(worker, static_cast<uint64_t>(KernelCall::WorkerReady), message) == Error::None);
            SHOAL_CHECK(machine_.trap(worker, Trap::Receive, kNone) == Error::DoNotReply);
        }
        for (uint32_t i = 0; i < kPrograms; ++i) machine_.spawn(CpuId::from(i % kCpus));
    }
    void run() {
        std::vector<std::thread> cpus;
        for (uint32_t cpu = 0; cpu < kCpus; ++cpu) cpus.emplace_back([this, cpu] { run_cpu(CpuId::from(cpu)); });
        for (auto& cpu : cpus) cpu.join();
    }
    std::atomic<uint32_t> finished{0};
    std::atomic<uint64_t> stale{0}, from_elsewhere{0}, asked{0};

  private:
    // A fault and its thread: sequence << 32 | name; 0: nothing.
    using Ticket = uint64_t;
    struct PerCpu {
        explicit PerCpu(uint64_t seed) : random(seed) {}
        std::mt19937_64 random;
        Ticket last = 0;      // answered here
        bool called = false;  // another worker, which will answer what this one has left
    };

    void run_cpu(CpuId id) {
        PerCpu cpu{seed_ + id.raw()};
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (finished.load() < kPrograms && std::chrono::steady_clock::now() < deadline) {
            Thread* thread = machine_.turn(id);
            if (thread == nullptr) {
                std::this_thread::yield();
            } else if (thread->is(kWorker)) {
                work(cpu, *thread);
            } else {
                run_program(*thread);
            }
        }
    }

    void run_program(Thread& thread) {
        const uint32_t slot = slot_of(thread);
        ASSERT_EQ(answered_[slot].load(std::memory_order_relaxed), thread.fault.sequence) << "ran before its answer";
        if (++faults_[slot] > kFaults) {
            finished.fetch_add(1);
            return receive(thread);
        }
        entry::on_page_fault(thread, VirtualAddress{0x5000}, kFaultUser);
    }

    // What it has received goes to any worker, this one perhaps; it receives again when there is nothing to answer.
    void work(PerCpu& cpu, Thread& worker) {
        const Message received = worker.registers.message();
        const bool is_fault = received.type() == kPageFault;
        if (is_fault) leave(cpu, received.words[3] << 32 | received.source().raw());
        worker.registers.rsi = 0;
        if (is_fault && cpu.random() % 2 == 0) return call_another(cpu, worker);
        if (std::exchange(cpu.called, false)) return receive(worker);
        const bool in_vain = cpu.last != 0 && cpu.random() % 3 == 0;
        const Ticket ticket = in_vain ? cpu.last - (cpu.random() % 2 << 32) : take(cpu);
        if (ticket == 0) return receive(worker);
        if (in_vain) {
            ++stale;
            cpu.last = 0;
        } else {
            answer(cpu, ticket);
        }
        worker.registers.rax = static_cast<uint64_t>(Trap::Resume) | kNonBlocking;
        worker.registers.rdi = ticket;
        entry::on_syscall(worker);
        if (worker.state == ThreadState::Asking) ++asked;
    }
    static void receive(Thread& thread) {
        thread.registers.rax = static_cast<uint64_t>(Trap::Receive);
        thread.registers.rdi = uint64_t{kAny.raw()} << 32;
        entry::on_syscall(thread);
    }
    static void call_another(PerCpu& cpu, Thread& worker) {
        cpu.called = true;
        worker.registers.rax = static_cast<uint64_t>(Trap::KernelCall);
        worker.registers.rdi = static_cast<uint64_t>(KernelCall::WorkerCall);
        worker.registers.rdx = cpu.random() % kCpus;
        entry::on_syscall(worker);
        worker.registers.rsi = 0;
    }
    void answer(PerCpu& cpu, Ticket ticket) {
        cpu.last = ticket;
        const Endpoint name{static_cast<uint32_t>(ticket)};
        answered_[name.slot()].store(static_cast<uint32_t>(ticket >> 32), std::memory_order_relaxed);
        if (tables.threads[name.slot()].home_cpu() != machine::this_cpu().id) ++from_elsewhere;
    }
    // Each program has one fault at a time, so there is always room.
    void leave(PerCpu& cpu, Ticket ticket) {
        for (size_t i = cpu.random();; ++i) {
            Ticket empty = 0;
            if (pool_[i % kPrograms].compare_exchange_strong(empty, ticket)) return;
        }
    }
    Ticket take(PerCpu& cpu) {
        const size_t start = cpu.random() % kPrograms;
        for (size_t i = 0; i < kPrograms; ++i)
            if (const Ticket ticket = pool_[(start + i) % kPrograms].exchange(0); ticket != 0) return ticket;
        return 0;
    }

    static constexpr uint32_t kThreads = 40;
    uint64_t seed_;
    FakeMachine machine_{kCpus, 24, kThreads};
    std::atomic<Ticket> pool_[kPrograms] = {};
    std::atomic<uint32_t> answered_[kThreads] = {};
    uint64_t faults_[kThreads] = {};  // of each thread's home
};

TEST(ResumeTorture, EveryFaultIsResumedByItsAnswer) {
    FaultTorture torture{seed()};
    torture.run();
    std::printf("stale %llu, from another CPU %llu, by the worker's node %llu\n", static_cast<unsigned long long>(torture.stale),
                static_cast<unsigned long long>(torture.from_elsewhere), static_cast<unsigned long long>(torture.asked));
    EXPECT_EQ(torture.finished.load(), kPrograms) << "a fault was never resumed";
    EXPECT_GT(torture.stale, 100u);
    EXPECT_GT(torture.from_elsewhere, 100u);
    EXPECT_GT(torture.asked, 0u);
}

}  // namespace
}  // namespace shoal::test
