// spawner: makes and ends processes on all CPUs at once, and finds that nothing is gone afterwards.
//     count=N  processes in a round (100,000)
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"
#include "base/cpu.hpp"
#include "libc-min/process.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/arguments.hpp"
#include "tests/guest/verdict.hpp"

namespace {

using shoal::KernelInfo;
using shoal::Result;
using shoal::VmStats;

// What must be the same before and after.
struct Inventory {
    uint64_t processes, threads;  // slots taken
    uint64_t pages;               // free, or slabs of VM
    uint64_t slabs, objects;
};

// A thread gives its slot back when every CPU has heard of its end, which may be after it was joined: so there is some time for
// the slots to become as few as they were when we had one thread only.
KernelInfo settled_kernel_facts() {
    static const uint64_t threads_alone = shoal::kernel_facts().threads;
    constexpr unsigned kPatience = 2000, kPause = 1000;  // times; microseconds
    KernelInfo facts = shoal::kernel_facts();
    for (unsigned i = 0; i < kPatience && facts.threads > threads_alone; ++i) {
        usleep(kPause);
        facts = shoal::kernel_facts();
    }
    return facts;
}

bool take_inventory(Inventory& inventory) {
    const KernelInfo kernel = settled_kernel_facts();
    VmStats vm{};
    const shoal::VirtualAddress place{reinterpret_cast<uint64_t>(&vm)};
    const bool asked = shoal::vm_calls::info(shoal::kInfoStats, kernel.process, place, sizeof vm, {}).ok();
    inventory = {kernel.processes, kernel.threads, vm.free_pages + vm.arena_pages, vm.arena_pages, vm.slab_objects_in_use};
    return asked;
}

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

// Prints both; the reason if something is gone, else nullptr.
const char* loss(const Inventory& before, const Inventory& after, uint64_t count) {
    for (const Inventory* each : {&before, &after})
        printf("spawner: %lu processes, %lu threads, %lu pages free or slabs, %lu slabs, %lu objects\n",
               each->processes, each->threads, each->pages, each->slabs, each->objects);
    if (after.processes != before.processes) return "process slots leaked";
    if (after.threads != before.threads) return "thread slots leaked";
    if (after.objects > before.objects) return "slab objects leaked";
    if (after.pages < before.pages) return "frames leaked";
    return after.slabs > before.slabs + count / kProcessesToAGrownSlab ? "slabs leaked" : nullptr;
}

// Caches of each CPU grow for a while and then stay; a leak goes on for ever. So a round must end with nothing lost since it
// began, but the first rounds need not.
constexpr unsigned kRounds = 4;

void check_rounds(shoal::test::Verdict& verdict, uint64_t count) {
    const char* reason = nullptr;
    for (unsigned round = 0; round < kRounds; ++round) {
        Inventory before{}, after{};
        if (!take_inventory(before)) return verdict.fail("VM does not tell its figures");
        run_all(count);
        if (!take_inventory(after)) return verdict.fail("VM does not tell its figures");
        reason = loss(before, after, count);
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

    (void)settled_kernel_facts();  // while we have one thread
    run_all(64 * shoal::kernel_facts().cpus);
    check_rounds(verdict, count);
    if (const uint64_t failed = failures.load(std::memory_order_relaxed); failed != 0)
        verdict.fail("%lu processes did not run", failed);
    return verdict.finish();
}
