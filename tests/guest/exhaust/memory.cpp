// exhaust: several processes at once take memory until there is none; each ends by an error or by its own fault, and all of it
// comes back.
//     processes=N  eaters at once (4)   rounds=N  (3)
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/memory.hpp"
#include "abi/pm_calls.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/process.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/arguments.hpp"
#include "tests/guest/verdict.hpp"

namespace {

using shoal::Result;

constexpr uint64_t kMaxProcesses = 32, kPage = 4096, kPiece = 256 * kPage;
// What the caches of the CPUs and of the servers may keep.
constexpr uint64_t kTolerance = 512;

uint64_t free_pages() {
    shoal::VmStats vm{};
    const shoal::VirtualAddress place{reinterpret_cast<uint64_t>(&vm)};
    const bool asked = shoal::vm_calls::info(shoal::kInfoStats, shoal::kernel_facts().process, place, sizeof vm, {}).ok();
    return asked ? vm.free_pages : 0;
}

// A child. Waits until all have been started, since a program cannot be started where there is no memory.
int eat() {
    usleep(500'000);
    for (;;) {
        void* piece = mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED) return 0;
        for (uint64_t at = 0; at < kPiece; at += kPage) static_cast<volatile char*>(piece)[at] = 1;
    }
}

void run_round(shoal::test::Verdict& verdict, uint64_t processes) {
    const char* const arguments[] = {"exhaust", "eat"};
    const unsigned cpus = shoal::kernel_facts().cpus;
    uint64_t started = 0, refused = 0, killed = 0;
    for (; started < processes; ++started) {
        shoal::SpawnOptions options;
        options.name = "exhaust";
        options.arguments = arguments;
        options.cpu = static_cast<unsigned>(started % cpus);
        if (!shoal::spawn(options).ok()) break;
    }
    if (started < processes) verdict.fail("only %lu processes could be started", started);
    for (uint64_t i = 0; i < started; ++i) {
        const Result<shoal::EndedChild> ended = shoal::wait_child(shoal::kAny);
        if (!ended.ok()) return verdict.fail("an eater cannot be waited for");
        if (ended.value().status == 0) ++refused;
        else if (ended.value().status == shoal::kFaultedStatus) ++killed;
        else verdict.fail("an eater ended with status %ld", static_cast<long>(ended.value().status));
    }
    printf("exhaust: %lu refused, %lu killed by a fault\n", refused, killed);
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count == 2 && strcmp(arguments[1], "eat") == 0) return eat();
    shoal::test::Verdict verdict("exhaust");
    const uint64_t asked = shoal::test::number_argument(argument_count, arguments, "processes", 4);
    const uint64_t processes = asked < kMaxProcesses ? asked : kMaxProcesses;
    const uint64_t rounds = shoal::test::number_argument(argument_count, arguments, "rounds", 3);
    for (uint64_t round = 0; round < rounds && !verdict.failed(); ++round) {
        const uint64_t before = free_pages();
        run_round(verdict, processes);
        const uint64_t after = free_pages();
        printf("exhaust: %lu free pages before, %lu after\n", before, after);
        if (after + kTolerance < before) verdict.fail("%lu pages did not come back", before - after);
    }
    return verdict.finish();
}
