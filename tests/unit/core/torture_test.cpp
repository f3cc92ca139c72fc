// IPC, deadlock, death, slot reuse and migration at 4 CPUs, each a host thread. Run under ThreadSanitizer too.
// Asynchronous messages may be overtaken by answers, so of them it is checked that none comes twice.
//
// Every program does random traps. Each message carries its sender's count for that receiver, so that a receiver sees loss
// (a count skipped) or reordering. A killer ends programs at random and starts others in their slots; programs are stopped, resumed and
// swapped.
#include <gtest/gtest.h>

#include <cstdlib>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "abi/grant.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/hold.hpp"
#include "kernel/core/objects/process_swap.hpp"
#include "kernel/core/objects/stopped_children.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test {
namespace {

using namespace kernel;

constexpr uint32_t kCpus = 4, kPrograms = 12;
constexpr uint64_t kTraps = 5'000;  // of each CPU

struct Statistics {
    std::atomic<uint64_t> received{0}, async{0}, locked{0}, died{0}, kills{0}, moves{0}, stops{0}, swaps{0};
};

class Torture {
  public:
    explicit Torture(uint64_t seed) : seed_(seed) {
        for (auto& name : names_) name = machine_.spawn(CpuId::from(static_cast<size_t>(&name - names_) % kCpus)).raw();
    }

    void run() {
        std::vector<std::thread> cpus;
        for (uint32_t cpu = 0; cpu < kCpus; ++cpu) cpus.emplace_back([this, cpu] { run_cpu(CpuId::from(cpu)); });
        for (auto& cpu : cpus) cpu.join();
    }
    Statistics statistics;

  private:
    struct LastTable {
        uint32_t name = 0;
        uint64_t offset = 0, count = 0;
        bool operator==(const LastTable&) const = default;
    };
    struct PerCpu {
        explicit PerCpu(uint64_t seed) : random(seed) {}
        std::mt19937_64 random;
        uint64_t traps = 0;
    };

    void run_cpu(CpuId id) {
        PerCpu cpu{seed_ + id.raw()};
        for (uint64_t idle = 0; done_.load() < kCpus;) {
            Thread* thread = machine_.turn(id);
            if (thread == nullptr) {
                // Programs may all wait for each other's messages without a cycle; a killing gets them going.
                if (++idle % 64 == 0) kill_one(cpu);
                std::this_thread::yield();
            } else {
                idle = 0;
                step(cpu, *thread);
                if (++cpu.traps == kTraps) done_.fetch_add(1);
            }
        }
    }

    Endpoint anyone(PerCpu& cpu) { return Endpoint{names_[cpu.random() % kPrograms].load()}; }

    // The user program of a thread: looks at what the last trap gave it and makes another.
    void step(PerCpu& cpu, Thread& thread) {
        const Error outcome = from_register(static_cast<int64_t>(thread.registers.rax));
        if (outcome == Error::Locked) ++statistics.locked;
        if (outcome == Error::DeadSourceOrDestination) ++statistics.died;
        if (outcome == Error::None && thread.registers.r14 == kMarked) check(thread);
        if (outcome == Error::None && thread.registers.r14 == kMarkedAsync) check_async(thread);
        if (cpu.random() % 400 == 0) kill_one(cpu);
        if (cpu.random() % 8 == 0) stop_or_resume(cpu, thread);
        const Endpoint to = anyone(cpu);
        thread.registers.rdi = uint64_t{(cpu.random() % 4 == 0 ? anyone(cpu) : kAny).raw()} << 32 | to.raw();
        thread.registers.set_message({{1, thread.endpoint().raw(), ++sent_[slot_of(thread)], to.raw(), 0, 0, 0, kMarked}});
        thread.registers.rax = choose_trap(cpu, thread);
        if (thread.registers.rax == static_cast<uint64_t>(Trap::SendAsync)) fill_table(cpu, thread);
        entry::on_syscall(thread);
        thread.registers.rbx = 0;
    }

    uint64_t choose_trap(PerCpu& cpu, Thread& thread) {
        static constexpr Trap kTrapsToMake[] = {Trap::Send, Trap::SendReceive, Trap::Receive, Trap::Notify,
                                                Trap::SendNonBlocking, Trap::ReplyReceive, Trap::Receive,
                                                Trap::SendAsync, Trap::Receive};
        if (cpu.random() % 50 == 0) {
            ++statistics.moves;
            thread.registers.rdi = 9;  // thread_affinity
            thread.registers.rsi = 0;
            thread.registers.rdx = kSelf.raw();
            thread.registers.r8 = cpu.random() % kCpus;
            thread.registers.r14 = 0;
            return static_cast<uint64_t>(Trap::KernelCall);
        }
        return static_cast<uint64_t>(kTrapsToMake[cpu.random() % std::size(kTrapsToMake)]);
    }

    // The source is whom the kernel says, the receiver is the one meant, and the sender's counts rise.
    void check(Thread& thread) {
        const Registers& registers = thread.registers;
        const Endpoint source{static_cast<uint32_t>(registers.rsi >> 32)};
        const bool own = source == kNoName;  // what it sent itself is still in its registers
        if (own || registers.r9 != thread.endpoint().raw()) return;
        thread.registers.r14 = 0;
        ++statistics.received;
        ASSERT_EQ(source.raw(), registers.rdx);
        uint64_t& last = last_[slot_of(thread)][source.slot()];
        const uint64_t tag = uint64_t{source.generation()} << 48 | registers.r8;
        ASSERT_GT(tag, last) << "from " << source.raw();
        last = tag;
    }

    // Some messages to anyone, at one of two places so that tables are replaced by themselves and by others.
    void fill_table(PerCpu& cpu, Thread& thread) {
        const uint64_t count = cpu.random() % 4, offset = cpu.random() % 2 * 1024;
        LastTable& last = tables_[slot_of(thread)];
        auto* table = reinterpret_cast<AsyncEntry*>(plain_space::memory(slot_of(*thread.process)) + offset);
        for (uint64_t i = 0; i < count; ++i) {
            const bool waiting = (table[i].flags & (AsyncEntry::kValid | AsyncEntry::kDone)) == AsyncEntry::kValid;
            if (waiting && last == LastTable{thread.endpoint().raw(), offset, last.count} && i < last.count)
                continue;  // still the kernel's
            const uint32_t flags = AsyncEntry::kValid | (cpu.random() % 2 != 0 ? AsyncEntry::kNotify : AsyncEntry::kNoReply);
            const Endpoint to = anyone(cpu);
            table[i] = {flags, to, 0, {1, thread.endpoint().raw(), ++sent_[slot_of(thread)], to.raw(), 0, 0, 0, kMarkedAsync}};
        }
        last = {thread.endpoint().raw(), offset, count};
        thread.registers.rdx = plain_space::kBase + offset;
        thread.registers.r8 = count;
        thread.registers.r14 = 0;
    }

    void check_async(Thread& thread) {
        const Registers& registers = thread.registers;
        thread.registers.r14 = 0;
        ++statistics.async;
        if (registers.r9 != thread.endpoint().raw()) return;  // it was received under the name before a swap
        ASSERT_EQ(registers.rsi >> 32, registers.rdx);
        ASSERT_TRUE(seen_[slot_of(thread)].emplace(registers.rdx, registers.r8).second) << "from " << registers.rdx;
    }

    // Ends a program and, when it is gone, starts another.
    void kill_one(PerCpu& cpu) {
        Cpu& self = machine::this_cpu();
        auto& name = names_[cpu.random() % kPrograms];
        auto found = find_by_first_thread(self, Endpoint{name.load()});
        if (found.ok() && kill_process(self, *found.value(), 1) == Error::None) ++statistics.kills;
        const std::lock_guard guard{mutex_};
        auto stopped = reap_process(self, tables.processes[kRsSlot]);
        if (stopped.ok()) reaped_.push_back(stopped->endpoint);
        if (reaped_.empty()) return;
        const Endpoint old_name = reaped_.front();
        if (!release_process(self, old_name).ok()) return;  // the notice of its end is still on its way
        reaped_.erase(reaped_.begin());
        auto created = create_process(self, "next", kRs, kRs);
        if (!created.ok()) return;
        if (!set_privileges(self, created->endpoint, FakeMachine::everything()).ok()) std::abort();
        if (!start_process(self, created->endpoint, {VirtualAddress{0x1000}, VirtualAddress{0}, 0, 0, ~uint64_t{0}}).ok())
            std::abort();
        // From now on another CPU may end it.
        for (auto& old : names_) {
            uint32_t expected = old_name.raw();
            if (old.compare_exchange_strong(expected, created->endpoint.raw())) break;
        }
    }

    // Two of the first programs are stopped, or go on; now and then they can be swapped.
    void stop_or_resume(PerCpu& cpu, const Thread& thread) {
        Cpu& self = machine::this_cpu();
        const uint64_t pair = cpu.random() % 2 * 2;
        const Endpoint pair_names[] = {Endpoint{names_[pair].load()}, Endpoint{names_[pair + 1].load()}};
        const uint64_t choice = cpu.random() % 4;
        if (choice == 0 && swap(self, pair_names[0], pair_names[1])) ++statistics.swaps;
        for (const Endpoint name : pair_names) {
            if (choice == 1 && stop_process(self, *thread.process, name).ok()) ++statistics.stops;
            if (choice > 1) (void)resume_process(self, name);
        }
    }

    static bool swap(Cpu& self, Endpoint one, Endpoint other) {
        const auto a = find_by_first_thread(self, one), b = find_by_first_thread(self, other);
        return a.ok() && b.ok() && swap_processes(self, a.value()->id(), b.value()->id(), kNone, SwapDepth::Whole).ok();
    }

    static constexpr uint64_t kMarked = 0x5ea1, kMarkedAsync = 0x5ea2;
    static constexpr uint32_t kThreads = 40;
    uint64_t seed_;
    FakeMachine machine_{kCpus, 24, kThreads};
    std::atomic<uint32_t> names_[kPrograms] = {};
    std::atomic<uint64_t> sent_[kThreads] = {};
    uint64_t last_[kThreads][kThreads] = {};
    std::set<std::pair<uint64_t, uint64_t>> seen_[kThreads];  // sender and its count
    LastTable tables_[kThreads];
    std::mutex mutex_;
    std::vector<Endpoint> reaped_;
    std::atomic<uint32_t> done_{0};
};

TEST(CoreTorture, OrderCyclesDeathReuseMigration) {
    const char* given = std::getenv("SHOAL_SEED");
    const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    Torture torture{seed};
    torture.run();
    const Statistics& s = torture.statistics;
    std::printf("received %llu, asynchronously %llu, cycles %llu, partners died %llu, kills %llu, moves %llu, stops %llu, swaps %llu\n",
                static_cast<unsigned long long>(s.received), static_cast<unsigned long long>(s.async),
                static_cast<unsigned long long>(s.locked),
                static_cast<unsigned long long>(s.died), static_cast<unsigned long long>(s.kills),
                static_cast<unsigned long long>(s.moves), static_cast<unsigned long long>(s.stops),
                static_cast<unsigned long long>(s.swaps));
    EXPECT_GT(s.received, 1000u);
    EXPECT_GT(s.async, 100u);
    EXPECT_GT(s.locked, 0u);
    EXPECT_GT(s.died, 0u);
    EXPECT_GT(s.kills, 10u);
    EXPECT_GT(s.stops, 10u);
    EXPECT_GT(s.swaps, 0u);
}

}  // namespace
}  // namespace shoal::test
