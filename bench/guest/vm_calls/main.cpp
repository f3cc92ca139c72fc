// The suite "vm": VM's other calls, a process a CPU; the sizes are those with which other systems have been measured.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/guest/pages.hpp"
#include "bench/guest/suite.hpp"
#include "bench/guest/vm_calls/copied_process.hpp"
#include "libc-min/system/kernel_facts.hpp"

namespace {

using shoal::ProgramRole;
using shoal::bench::Actors;
using shoal::bench::CopiedProcess;
using shoal::bench::Waiting;
using shoal::bench::kChunk;
using shoal::bench::kPage;
using shoal::bench::map;
using shoal::bench::touch;
using shoal::bench::Workload;

constexpr int kForks = 8, kSinglePages = 256;

// In an actor's own process, at its first round.
char* resident(size_t bytes) {
    static char* memory = nullptr;
    if (memory == nullptr) {
        memory = map(bytes);
        touch(memory, bytes);
    }
    return memory;
}

void fail(const char* what, shoal::Error error) {
    printf("vm_calls: %s: %s\n", what, shoal::error_text(error));
    abort();
}

void fork_round(unsigned) {  // a process with 512 resident pages copied, and the copy ended
    (void)resident(kChunk);
    for (int i = 0; i < kForks; ++i) {
        const auto copy = CopiedProcess::of(shoal::kernel_facts().process);
        if (!copy.ok()) fail("no copy", copy.error());
        if (const auto ended = copy.value().end(); !ended.ok()) fail("the copy does not end", ended.error());
    }
}

void brk_round(unsigned) {  // the break up by a page, which is touched, and down again
    for (int i = 0; i < kSinglePages; ++i) {
        void* page = sbrk(static_cast<intptr_t>(kPage));
        if (page == MAP_FAILED) abort();
        touch(static_cast<char*>(page), kPage);
        (void)sbrk(-static_cast<intptr_t>(kPage));
    }
}

void mprotect_round(unsigned) {  // a resident page to read-only and back, and written
    char* page = resident(kPage);
    for (int i = 0; i < kSinglePages; ++i) {
        if (mprotect(page, kPage, PROT_READ) != 0) abort();
        if (mprotect(page, kPage, PROT_READ | PROT_WRITE) != 0) abort();
        touch(page, kPage);
    }
}

constexpr Workload kWorkloads[] = {
    {"fork_exit_procs", Actors::Processes, kForks, fork_round, nullptr, nullptr, Waiting::Spins, ProgramRole::ProcessManager},
    {"brk_touch_procs", Actors::Processes, kSinglePages, brk_round},
    {"mprotect_procs", Actors::Processes, kSinglePages, mprotect_round},
};

}  // namespace

int main(int argument_count, char** arguments) {
    return shoal::bench::run_suite("vm_calls", kWorkloads, argument_count, arguments);
}
