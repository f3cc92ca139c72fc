// FS and GS bases: what a program writes there itself is its own, and stays what it was while others run on its CPU.
#include <cpuid.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "libc-min/process.hpp"
#include "tests/guest/machine/probes.hpp"

namespace shoal::test {
namespace {

constexpr unsigned kChildren = 2, kRounds = 200;

uint64_t read_gs() {
    uint64_t base;
    asm volatile("rdgsbase %0" : "=r"(base));
    return base;
}
uint64_t read_fs() {
    uint64_t base;
    asm volatile("rdfsbase %0" : "=r"(base));
    return base;
}

bool processor_offers_bases() {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_FSGSBASE) != 0;
}

Result<Endpoint> start_child(const char* argument) {
    const char* const arguments[] = {"machine", argument};
    SpawnOptions options;
    options.name = "machine";
    options.arguments = arguments;
    options.cpu = 0;
    return spawn(options);
}

}  // namespace

// Beside another one on the same CPU. 0: both bases were always the own ones; 1: they were not.
int keep_bases(const char* own) {
    const uint64_t fs = read_fs();
    if (read_gs() != 0) return 1;
    for (uint64_t turn = 1; turn <= kRounds; ++turn) {
        const uint64_t mine = turn << 12 | static_cast<uint64_t>(own[0]);
        asm volatile("wrgsbase %0" : : "r"(mine));
        sched_yield();
        if (read_gs() != mine || read_fs() != fs) return 1;
    }
    return 0;
}

void test_bases(Verdict& verdict, Bases bases) {
    const int64_t expected = bases == Bases::Own && processor_offers_bases() ? 0 : kFaultedStatus;
    const char* const arguments[kChildren] = {"bases=1", "bases=2"};
    for (const char* argument : arguments)
        if (const Result<Endpoint> child = start_child(argument); !child.ok())
            verdict.fail("%s: spawn: %s", argument, error_text(child.error()));
    for (unsigned i = 0; i < kChildren; ++i) {
        const Result<EndedChild> ended = wait_child(kAny);
        if (!ended.ok()) return verdict.fail("bases: wait: %s", error_text(ended.error()));
        if (ended.value().status != expected) verdict.fail("bases: status %ld, not %ld", ended.value().status, expected);
    }
}

}  // namespace shoal::test
