// spawner: makes and ends processes on all CPUs at once, and finds that nothing is gone afterwards.
//     count=N  processes in a round (100,000)
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <atomic>

#include "base/cpu.hpp"
#include "libc-min/process.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/arguments.hpp"
#include "tests/guest/inventory.hpp"
#include "tests/guest/verdict.hpp"

namespace {

using shoal::Result;
using shoal::test::Inventory;

std::atomic<uint64_t> left;
std::atomic<uint64_t> failures;

bool run_one(unsigned cpu) {
    const char* const arguments[] = {"spawner", "exit"};
    shoal::SpawnOptions options;
    options.name = "spawner";
    options.arguments = arguments;
    options.cpu = cpu;
    const Result<shoal::Endpoint> child = shoal::spawn(options);
    if (!child.ok()) return false;
    const Result<shoal::EndedChild> ended = shoal::wait_child(child.value());
    return ended.ok() && ended.value().status == 0;
}

void* spawn_on_cpu(void* argument) {
    const auto cpu = static_cast<unsigned>(reinterpret_cast<uintptr_t>(argument));
    while (true) {
        const uint64_t number = left.fetch_sub(1, std::memory_order_relaxed);
        if (number == 0 || number >> 63 != 0) return nullptr;
        if (!run_one(cpu)) failures.fetch_add(1, std::memory_order_relaxed);
        if (number % 10'000 == 0) printf("spawner: %lu to go\n", number);
    }
}

void run_all(uint64_t count) {
    const unsigned cpus = shoal::kernel_facts().cpus;
    pthread_t threads[shoal::kMaxCpus];
    left.store(count, std::memory_order_relaxed);
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setcpu_np(&attributes, cpu);
        if (pthread_create(&threads[cpu], &attributes, spawn_on_cpu,
                           reinterpret_cast<void*>(uintptr_t{cpu})) != 0)
            failures.fetch_add(1, std::memory_order_relaxed);
    }
    for (unsigned cpu = 0; cpu < cpus; ++cpu) pthread_join(threads[cpu], nullptr);
}

// A free object that waits in a CPU's magazine keeps its slab: so slabs grow with the most that were ever in use at once, ever
// more slowly, where a slab lost by a process or a failure of one grows with their number.
constexpr uint64_t kProcessesToAGrownSlab = 100;

// Caches of each CPU grow for a while and then stay; a leak goes on for ever. So a round must end with nothing lost since it
// began, but the first rounds need not.
constexpr unsigned kRounds = 4;

void check_rounds(shoal::test::Verdict& verdict, uint64_t count) {
    const char* reason = nullptr;
    for (unsigned round = 0; round < kRounds; ++round) {
        const Result<Inventory> before = Inventory::take();
        run_all(count);
        const Result<Inventory> after = Inventory::take();
        if (!before.ok() || !after.ok()) return verdict.fail("VM does not tell its figures");
        for (const Inventory& each : {before.value(), after.value()}) each.print("spawner");
        reason = after.value().loss_since(before.value(), count / kProcessesToAGrownSlab);
        if (reason == nullptr) return;
    }
    verdict.fail("%s in each of %u rounds of %lu processes", reason, kRounds, count);
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count == 2 && strcmp(arguments[1], "exit") == 0) return 0;
    const uint64_t count =
        shoal::test::number_argument(argument_count, arguments, "count", 100'000);
    shoal::test::Verdict verdict("spawner");

    (void)Inventory::take();  // while we have one thread
    run_all(64 * shoal::kernel_facts().cpus);
    check_rounds(verdict, count);
    if (const uint64_t failed = failures.load(std::memory_order_relaxed); failed != 0)
        verdict.fail("%lu processes did not run", failed);
    return verdict.finish();
}
