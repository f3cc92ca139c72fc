#include "kernel/smp/selftest/selftest.hpp"

#include <atomic>

#include "kernel/core/machine.hpp"
#include "kernel/smp/clock/clock.hpp"
#include "kernel/smp/clock/timer.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/local/processor.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/startup/start_processors.hpp"
#include "kernel/smp/tlb/flush_everywhere.hpp"
#include "kernel/smp/x86/instructions.hpp"

// entry.S
extern "C" void entry_take_interrupts();
extern "C" void entry_raise_spurious();

namespace shoal::smp::selftest {
namespace {

// Patience is both: a host with fewer cores than the machine has CPUs may keep the sender from running for seconds, but hardly while
// this one goes on.
constexpr uint64_t kMillisecond = 1'000'000, kPatience = 10'000 * kMillisecond, kPatientTurns = 20'000'000;

constinit std::atomic<uint32_t> arrived{0};
constinit std::atomic<uint64_t> latest_shot{0};

// All CPUs reach it before one leaves; `number` counts from 1. Who waits serves flushes: another may not be through with its own.
void meet(uint32_t number) {
    const uint32_t all = number * processor_count();
    arrived.fetch_add(1, std::memory_order_release);  // pairs with the load below, on the others
    while (arrived.load(std::memory_order_acquire) < all) {
        serve_flush();
        x86::pause();
    }
}

// Takes interrupts until one more has come than `before`; false when patience is at its end.
bool interrupted_since(uint64_t before) {
    const uint64_t start = clock::now();
    for (uint64_t turns = 0; local().interrupts_in_window == before; ++turns) {
        entry_take_interrupts();
        if (turns > kPatientTurns && clock::now() - start > kPatience) return false;
        x86::pause();
    }
    return true;
}

// Round by round one CPU interrupts all others. The meetings between rounds let no two interrupts melt into one.
uint32_t try_interrupts() {
    const uint32_t cpus = processor_count();
    for (uint32_t sender = 0; sender < cpus; ++sender) {
        const uint64_t before = local().interrupts_in_window;
        meet(2 * sender + 1);
        if (local().id.index() == sender) {
            for (uint32_t i = 0; i < cpus; ++i)
                if (i != sender) kernel::machine::wake(CpuId::from(i));
        } else if (!interrupted_since(before)) {
            panic("selftest: no interrupt from CPU %u reached CPU %u", sender, local().id.raw());
        }
        meet(2 * sender + 2);
    }
    return 2 * cpus;
}

void try_timer() {
    constexpr uint64_t kWait = 2 * kMillisecond;
    const uint64_t before = local().interrupts_in_window, deadline = clock::now() + kWait;
    timer::set(deadline);
    if (!interrupted_since(before)) panic("selftest: CPU %u: the timer does not fire", local().id.raw());
    const uint64_t fired = clock::now();
    timer::set(kernel::machine::kNoDeadline);
    const uint64_t late = fired > deadline ? fired - deadline : 0;
    uint64_t seen = latest_shot.load(std::memory_order_relaxed);
    while (seen < late &&
           !latest_shot.compare_exchange_weak(seen, late, std::memory_order_relaxed)) {
    }
}

// They are counted, and get no end-of-interrupt, which would end another: the interrupts that follow show it.
void try_spurious_interrupts() {
    constexpr uint64_t kRaised = 3;
    const uint64_t before = local().spurious_interrupts;
    entry_raise_spurious();
    if (local().spurious_interrupts != before + kRaised)
        panic("selftest: CPU %u: of %lu spurious interrupts %lu were seen", local().id.raw(), kRaised,
              local().spurious_interrupts - before);
}

// All CPUs at once, each waiting for all others with interrupts off: served by those that wait themselves.
void try_flushes() {
    constexpr uint32_t kFlushesOfAll = 50;
    for (uint32_t i = 0; i < kFlushesOfAll; i += processor_count()) flush_everywhere({});
}

void try_machine() {
    try_spurious_interrupts();
    const uint32_t meetings = try_interrupts();
    try_timer();
    meet(meetings + 1);
    try_flushes();
    meet(meetings + 2);
    if (local().id.raw() == 0)
        console::log(LogLevel::Info,
                     "selftest: %u CPUs: registers, spurious interrupts, interrupts between all pairs, timers and flushes as they should be; "
                     "clocks within %lu ns, timers at most %lu us late",
                     processor_count(), clock::worst_disagreement(), latest_shot.load(std::memory_order_relaxed) / 1000);
}

void try_late_cpu(const MachineDescription& machine) {
    if (local().id.raw() != 0) return;
    if (!start_late_processor(machine)) panic("selftest: the CPU that was left out did not come and halt");
    console::log(LogLevel::Info, "selftest: the CPU that came late has halted");
}

// Volatile, so that each call keeps its frame.
uint64_t fill_stack(uint64_t depth) {
    volatile uint64_t frame[64];
    frame[0] = depth;
    return depth == 0 ? 0 : fill_stack(depth - 1) + frame[0];
}

void overflow_stack() {
    constexpr uint64_t kMoreThanFits = SHOAL_KERNEL_STACK_BYTES / 256;
    if (local().id.index() + 1 != processor_count()) return;
    const uint64_t sum = fill_stack(kMoreThanFits);
    panic("selftest: the kernel stack has no end (%lu)", sum);
}

}  // namespace

void take_part(const MachineDescription& machine) {
    switch (machine.options.self_test) {
        case SelfTest::LateCpu: return try_late_cpu(machine);
        case SelfTest::StackOverflow: return overflow_stack();
        case SelfTest::Machine: return try_machine();
        case SelfTest::None: break;
    }
    if (machine.options.log == LogLevel::Debug) try_machine();
}

}  // namespace shoal::smp::selftest
