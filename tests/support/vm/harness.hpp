// Harness: VM's core with everything around it, for host tests, models and benchmarks: an arena, a worker a CPU, processes,
// calls and memory accesses made on behalf of threads on a CPU.
//
//     Harness vm({.cpus = 4});
//     const ProcessId p = vm.create(CpuId{0});
//     const VirtualAddress a = vm.mmap(CpuId{0}, p, 8192).value();
//     vm.write(CpuId{0}, p, a, 42);            // faults as a thread would
//     EXPECT_EQ(vm.read(CpuId{1}, p, a).value(), 42u);
//
// Several threads may use it at once; those on one CPU take turns. Idle CPUs are driven by whoever waits.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "abi/vm_call_numbers.hpp"
#include "servers/vm/arena/host_arena.hpp"
#include "servers/vm/audit/audit.hpp"
#include "servers/vm/requests/worker_context.hpp"
#include "tests/support/vm/machine.hpp"

namespace shoal::vm::test {

inline constexpr CpuId kCpu0{0}, kCpu1{1}, kCpu2{2};

class Harness {
  public:
    struct Options {
        uint32_t cpus = 2;
        uint64_t bytes = 64 << 20;
        uint32_t slots = 64;
        uint32_t lateness = 0;  // accesses to memory between two that look for flushes first, as if interrupts were slow; 0: all do
    };
    explicit Harness(const Options& options);
    ~Harness();

    // A new process with a space, in the slot of one that has ended if there is one. quota in pages, 0: all memory.
    ProcessId create(CpuId home, uint64_t quota = 0);
    // In both its steps.
    Error exit(CpuId cpu, ProcessId process);
    Error willexit(CpuId cpu, ProcessId process);
    // As the kernel before exit: from now on no thread of the process accesses memory; calls of it may be under way.
    void stop(ProcessId process);
    // Likewise, with its threads: their calls end with Interrupted, whatever VM answers later.
    void interrupt(ProcessId process);

    Result<VirtualAddress> mmap(CpuId cpu, ProcessId process, uint64_t bytes,
                                uint64_t protection = kProtectRead | kProtectWrite,
                                uint64_t flags = kMapAnonymous | kMapPrivate, VirtualAddress address = {});
    Error munmap(CpuId cpu, ProcessId process, VirtualAddress address, uint64_t bytes);
    Error mprotect(CpuId cpu, ProcessId process, VirtualAddress address, uint64_t bytes, uint64_t protection);
    Error discard(CpuId cpu, ProcessId process, VirtualAddress address, uint64_t bytes);
    // Any call: arguments in words 1..; results in words 1.. of the answer. allowed: the call's bit in the caller's mask.
    Message call(CpuId cpu, ProcessId process, VmCall number, const Message& arguments, uint64_t allowed = kVmCallAllowed);
    VmUsage usage(CpuId cpu, ProcessId process);

  private:
    struct Waiting {
        std::atomic<bool> done{false};
        ProcessId process;
        Action action;
        Message message;
    };

  public:
    // A call that may be answered later; until then its thread waits. Whoever drives the CPUs (settle()) lets the answer come.
    class Pending {
      public:
        [[nodiscard]] bool answered() const { return waiting_->done.load(std::memory_order_acquire); }  // pairs with perform()
        [[nodiscard]] const Message& answer() const { return waiting_->message; }

      private:
        friend class Harness;
        explicit Pending(std::shared_ptr<Waiting> waiting) : waiting_(std::move(waiting)) {}
        std::shared_ptr<Waiting> waiting_;
    };
    Pending begin_call(CpuId cpu, ProcessId process, VmCall number, const Message& arguments);

    // As a thread that has called safemap, safeunmap or saferevmap.
    struct MapWish {
        ProcessId source;
        VirtualAddress from, to;
        uint64_t bytes;
        MapMode mode = MapMode::SharedWritable;
        GrantPath path{};
    };
    Error map_memory(CpuId cpu, ProcessId process, const MapWish& wish);
    Error unmap_memory(CpuId cpu, ProcessId process, VirtualAddress address);
    Error revoke(CpuId cpu, ProcessId process, uint32_t grant);

    // A thread's access to an aligned 64-bit word. The error is what the kernel would end the process with.
    Result<uint64_t> read(CpuId cpu, ProcessId process, VirtualAddress address);
    Error write(CpuId cpu, ProcessId process, VirtualAddress address, uint64_t value);
    Error execute(CpuId cpu, ProcessId process, VirtualAddress address);

    // The kernel's, where a copy for the requester has met absent pages of the process: for as many of the bytes as one answer is about.
    Error request_memory(CpuId cpu, ProcessId requester, ProcessId process, VirtualAddress address, uint64_t bytes, uint64_t flags);

    // The number of faults found, stale TLB uses among them. Other threads may be between two steps of what they do.
    uint64_t audit();
    // Lets every CPU do what is left to do.
    void settle();

    // Drives a CPU through everything that waits for it. The turn is held.
    void pump(CpuId cpu);
    // The worker's side, for tests of its parts; the caller drives the CPU alone.
    WorkerContext context(CpuId cpu);
    [[nodiscard]] HostArena& arena() { return *arena_; }
    [[nodiscard]] ProcessTable& processes() { return *arena_->header().processes; }
    Machine machine;

  private:
    // What was done for the caller; a reply's message takes the request's place.
    Action ask(CpuId cpu, ProcessId process, Exchange& exchange);
    std::shared_ptr<Waiting> begin(CpuId cpu, ProcessId process, Exchange& exchange);
    bool try_to_pump(CpuId cpu);
    Error ask_as_kernel(CpuId cpu, ProcessId process, uint32_t type, const Message& words);
    void hand_over(CpuId cpu, Exchange& exchange);
    void perform(const Action& action, const Message& message);
    void audit_links(AuditReport& report);
    std::vector<std::unique_lock<std::mutex>> all_turns();
    void serve_one(WorkerContext& context, Exchange& exchange);
    template <typename Use>
    Error access(CpuId cpu, ProcessId process, VirtualAddress address, Access needed, uint64_t flags, Use use);

    std::unique_ptr<HostArena> arena_;
    const uint32_t lateness_;
    std::atomic<uint32_t> accesses_{0};
    std::atomic<uint32_t> next_token_{1};
    std::mutex slots_lock_;
    std::vector<ProcessId> next_in_slot_;  // of slots that are free
    std::mutex waiting_lock_;
    std::unordered_map<uint32_t, std::shared_ptr<Waiting>> waiting_;
};

}  // namespace shoal::vm::test
