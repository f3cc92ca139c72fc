// A machine for the core on the host. CPUs are stepped by hand (deterministic), or each by a host thread of its own.
//
// A test plays the user programs: it puts a trap's registers into the thread that a CPU runs and enters the core.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "abi/trap.hpp"
#include "base/assert.hpp"
#include "kernel/core/boot.hpp"
#include "kernel/core/objects/process_table.hpp"

namespace shoal::test {

class FakeMachine {
  public:
    explicit FakeMachine(uint32_t cpus, uint32_t processes = 64, uint32_t threads = 128);
    ~FakeMachine();
    FakeMachine(const FakeMachine&) = delete;
    FakeMachine& operator=(const FakeMachine&) = delete;

    // The calling host thread is that CPU from here on.
    static void become(CpuId cpu);

    // One turn of a CPU: pending interrupts, then the thread to run; nullptr: it has halted.
    kernel::Thread* turn(CpuId cpu);
    // Turns of all CPUs until no mail and no interrupt is left.
    void settle();

    // A started process; the thread runs when its CPU is stepped. cpu: pinned to it.
    Endpoint spawn(CpuId cpu, uint32_t flags = kSystemProcess, uint32_t priority = kUserPriority);
    // The same, with privileges of the test's own.
    Endpoint spawn(CpuId cpu, const Privileges& privileges);
    static Privileges everything(uint32_t flags = kSystemProcess, uint32_t priority = kUserPriority);

    static kernel::Thread& thread(Endpoint endpoint) {
        kernel::Thread* slot = kernel::thread_slot(endpoint);
        SHOAL_CHECK(slot != nullptr);
        return *slot;
    }

    // The thread, which must be able to run, traps; all CPUs settle. Its RAX as an error; DoNotReply: it waits.
    Error trap(Endpoint who, uint64_t trap, Endpoint to, Endpoint from, const Message& message = {});
    Error trap(Endpoint who, Trap trap, Endpoint to, Endpoint from = kAny, const Message& message = {}) {
        return this->trap(who, static_cast<uint64_t>(trap), to, from, message);
    }
    // The same two, but nothing else happens: no CPU looks into its mailbox.
    void enter(Endpoint who, uint64_t trap, Endpoint to, Endpoint from = kAny, const Message& message = {});
    void enter(Endpoint who, Trap trap, Endpoint to, Endpoint from = kAny, const Message& message = {}) {
        enter(who, static_cast<uint64_t>(trap), to, from, message);
    }
    void enter_call(Endpoint who, uint64_t number, const Message& message);
    // A kernel call; results in `message`.
    Error call(Endpoint who, uint64_t number, Message& message);
    // What a thread that does not wait any more got.
    static Error outcome(Endpoint who);
    static bool waits(Endpoint who);

    // Time stands still but for this.
    void advance(uint64_t nanoseconds);

    static inline std::string console;
    static inline std::atomic<uint64_t> ipis{0}, fpu_inits{0};
    // What some CPU loaded last, and how many loads there were.
    static inline std::atomic<uint64_t> fs_base{0}, gs_base{0}, base_loads{0};
    // Called once, at the next interrupt that some CPU sends: what other CPUs do in the middle of that one's work. For machines that
    // are stepped by hand.
    static inline std::function<void(CpuId target)> on_ipi;
    static void interpose(CpuId target);

  private:
    static bool halt();
    void bring_to_run(kernel::Thread& thread);
    std::unique_ptr<char[]> memory_;
};

// Called when the core has its tables: what stands in for kernel/core/space/ (plain_space.cpp), or what lies below it
// (paged_space.cpp), starts afresh.
void prepare_spaces(const kernel::CoreLimits& limits);

// What kernel/core/space/ would know, for the tests to set.
namespace plain_space {
inline constexpr uint64_t kBytes = 4096;  // of user memory of each process, from address kBase on
inline constexpr uint64_t kBase = 0x1000;
char* memory(uint32_t process_slot);
// The next access by a call that may wait finds its page absent.
void set_absent(bool absent);
}  // namespace plain_space

}  // namespace shoal::test
