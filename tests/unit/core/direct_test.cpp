// The direct ways come to the same end as the general ones: the same random programs, once with them and once without, go through
// the same states step by step.
#include <gtest/gtest.h>

#include <random>

#include "abi/kernel_call_numbers.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/sched/scheduler.hpp"
#include "tests/support/core/paged_space.hpp"

namespace shoal::test {
namespace {

constexpr CpuId kHere{0};
constexpr unsigned kClients = 4, kServers = 2, kSteps = 3000;

enum class Ways : uint8_t { All, General };

class Run {
  public:
    Run(uint32_t seed, Ways ways) : random_(seed), ways_(ways) {
        start_worker();
        for (unsigned i = 0; i < kServers; ++i) servers_.push_back(spawn(i));
        for (const Endpoint server : servers_) EXPECT_EQ(machine_.trap(server, Trap::Receive, kNone), Error::DoNotReply);
        for (unsigned i = 0; i < kClients; ++i) clients_.push_back(spawn(i % 2));
    }

    // False: nobody can run any more.
    bool step() {
        kernel::Thread* const thread = machine_.turn(kHere);
        if (thread == nullptr) return false;
        if (chance(20)) kernel::yield_current(cpu());
        if (ways_ == Ways::General) cpu().handoff_limit = -1;
        const bool serves = thread->endpoint() == servers_[0] || thread->endpoint() == servers_[1];
        if (thread->is(kernel::kWorker)) {
            act_as_worker(*thread);
        } else if (serves) {
            act_as_server(*thread);
        } else {
            act_as_client(*thread);
        }
        machine_.turn(kHere);
        return true;
    }

    // Of everything that a thread or its successor could notice.
    [[nodiscard]] uint64_t digest() const {
        uint64_t sum = 14695981039346656037u;
        const auto add = [&sum](uint64_t word) { sum = (sum ^ word) * 1099511628211u; };
        for (const kernel::Thread& thread : kernel::tables.threads) {
            const Message message = thread.registers.message();
            for (const uint64_t word : message.words) add(word);
            add(thread.registers.rax), add(thread.registers.rdi);
            add(static_cast<uint64_t>(thread.state)), add(thread.flags), add(thread.pending), add(thread.receive_from.raw());
            add(thread.wait_stamp), add(thread.fault.sequence);
        }
        add(cpu().current == nullptr ? ~uint64_t{0} : kernel::slot_of(*cpu().current));
        add(cpu().loaded == cpu().current), add(cpu().ready.size());
        return sum;
    }

  private:
    static kernel::Cpu& cpu() { return kernel::tables.cpus[0]; }
    bool chance(unsigned percent) { return random_() % 100 < percent; }
    Endpoint one_of(const std::vector<Endpoint>& all) { return all[random_() % all.size()]; }
    Endpoint spawn(unsigned worse) { return machine_.spawn(kHere, kSystemProcess, kUserPriority - 1 + worse); }

    void start_worker() {
        kernel::set_worker_entry(kHere, VirtualAddress{0x1000}, VirtualAddress{0});
        kernel::start_workers();
        machine_.settle();
        const Endpoint worker = kernel::vm_worker(kHere).endpoint();
        Message message{{0, paged_space::kVmPage.raw()}};
        EXPECT_EQ(machine_.call(worker, static_cast<uint64_t>(KernelCall::WorkerReady), message), Error::None);
        EXPECT_EQ(machine_.trap(worker, Trap::Receive, kNone), Error::DoNotReply);
    }

    void trap(kernel::Thread& thread, uint64_t number, uint64_t partners, const Message& message) {
        thread.registers.rax = number;
        thread.registers.rdi = partners;
        thread.registers.set_message(message);
        kernel::entry::on_syscall(thread);
    }
    static uint64_t partners(Endpoint to, Endpoint from) { return uint64_t{from.raw()} << 32 | to.raw(); }

    void act_as_client(kernel::Thread& thread) {
        if (chance(30)) {
            kernel::entry::on_page_fault(thread, VirtualAddress{random_() % 1000 * kPageSize}, kFaultUser | kFaultWrite);
            return;
        }
        const Endpoint to = chance(40) ? kVm : one_of(chance(90) ? servers_ : clients_);
        const Trap number = chance(90) ? Trap::SendReceive : Trap::SendNonBlocking;
        trap(thread, static_cast<uint64_t>(number), partners(to, kNone), {{random_() & 0xffff, random_(), random_()}});
    }

    void act_as_server(kernel::Thread& thread) {
        const Endpoint asker{static_cast<uint32_t>(thread.registers.rsi >> 32)};
        const Endpoint to = chance(99) ? asker : one_of(clients_);
        trap(thread, static_cast<uint64_t>(Trap::ReplyReceive) | (chance(5) ? uint64_t{kNonBlocking} : 0), partners(to, kAny), {{0, random_()}});
    }

    void act_as_worker(kernel::Thread& thread) {
        const Message message = thread.registers.message();
        const Endpoint about{static_cast<uint32_t>(message.words[0] >> 32)};
        const bool fault = (thread.registers.rdi & kFromKernel) != 0;
        const uint64_t flush = chance(20) ? uint64_t{kFlushPartner} : 0;
        if (!fault) return trap(thread, static_cast<uint64_t>(Trap::ReplyReceive) | flush, partners(about, kAny), {{0, random_()}});
        const uint32_t sequence = static_cast<uint32_t>(message.words[3]) + (chance(5) ? 1 : 0);
        trap(thread, static_cast<uint64_t>(Trap::Resume) | flush, uint64_t{sequence} << 32 | about.raw(), {});
    }

    std::mt19937 random_;
    const Ways ways_;
    FakeMachine machine_{1};
    std::vector<Endpoint> servers_, clients_;
};

std::vector<uint64_t> history(uint32_t seed, Ways ways) {
    Run run(seed, ways);
    std::vector<uint64_t> digests;
    while (digests.size() < kSteps && run.step()) digests.push_back(run.digest());
    return digests;
}

TEST(DirectWays, ComeToTheSameEndAsTheGeneralOnes) {
    uint64_t steps = 0;
    for (uint32_t seed = 1; seed <= 200; ++seed) {
        const std::vector<uint64_t> direct = history(seed, Ways::All), general = history(seed, Ways::General);
        const auto differ = std::mismatch(direct.begin(), direct.end(), general.begin(), general.end());
        ASSERT_TRUE(differ.first == direct.end() && differ.second == general.end())
            << "seed " << seed << ", step " << differ.first - direct.begin() << " of " << direct.size() << ", " << general.size();
        steps += direct.size();
    }
    EXPECT_GT(steps, 10'000u);
}

}  // namespace
}  // namespace shoal::test
