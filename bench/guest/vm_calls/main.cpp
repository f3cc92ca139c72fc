// The suite "vm": VM's other calls, a process a CPU; the sizes are those with which other systems have been measured.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/guest/pages.hpp"
#include "bench/guest/suite.hpp"
#include "bench/guest/vm_calls/copied_process.hpp"
#include "bench/guest/vm_calls/file_provider.hpp"
#include "libc-min/system/kernel_facts.hpp"

namespace {

using shoal::ProgramRole;
using shoal::VirtualAddress;
using shoal::bench::Actors;
using shoal::bench::CopiedProcess;
using shoal::bench::FileProvider;
using shoal::bench::Waiting;
using shoal::bench::kChunk;
using shoal::bench::kPage;
using shoal::bench::map;
using shoal::bench::touch;
using shoal::bench::Workload;

constexpr int kForks = 8, kSinglePages = 256, kRemaps = 16;
constexpr size_t kPagesRemapped = 64;

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

char* shared(size_t bytes) {
    static char* memory = nullptr;
    if (memory == nullptr) {
        void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) abort();
        memory = static_cast<char*>(mapped);
        touch(memory, bytes);
    }
    return memory;
}

void remap_round(unsigned) {  // resident pages of shared memory mapped once more, touched there, and unmapped
    constexpr size_t kBytes = kPagesRemapped * kPage;
    const VirtualAddress memory{reinterpret_cast<uint64_t>(shared(kBytes))};
    const shoal::ProcessId self = shoal::kernel_facts().process;
    for (int i = 0; i < kRemaps; ++i) {
        const auto there = shoal::vm_calls::remap(self, self, VirtualAddress{0}, memory, kBytes);
        if (!there.ok()) fail("no remap", there.error());
        auto* start = reinterpret_cast<char*>(there.value().raw());
        touch(start, kBytes);
        if (munmap(start, kBytes) != 0) abort();
    }
}

void cache_round(unsigned actor) {  // a page put into the cache, mapped from there, read, forgotten, and unmapped
    char* page = resident(kPage);
    const uint64_t device = 1 + actor;
    const VirtualAddress address{reinterpret_cast<uint64_t>(page)};
    for (int i = 0; i < kSinglePages; ++i) {
        const uint64_t offset = static_cast<uint64_t>(i) * kPage;
        if (const auto set = shoal::vm_calls::setcachepage(address, device, offset, 0, 0, 1); !set.ok()) fail("not set", set.error());
        const auto there = shoal::vm_calls::mapcachepage(device, offset, 0, 0, 1);
        if (!there.ok()) fail("not mapped", there.error());
        auto* start = reinterpret_cast<volatile char*>(there.value().raw());
        if (*start != 1) abort();
        if (const auto gone = shoal::vm_calls::forgetcachepage(device, offset, 1); !gone.ok()) fail("not forgotten", gone.error());
        if (munmap(const_cast<char*>(start), kPage) != 0) abort();
    }
}

char* map_file(int protection, int flags) {
    void* memory = mmap(nullptr, kChunk, protection, flags, FileProvider::kDescriptor, 0);
    if (memory == MAP_FAILED) abort();
    return static_cast<char*>(memory);
}

void file_round(unsigned) {  // the pages of a shared map of a file, cached: read
    char* memory = map_file(PROT_READ, MAP_SHARED);
    const volatile char* pages = memory;
    for (size_t i = 0; i < kChunk; i += kPage) (void)pages[i];
    if (munmap(memory, kChunk) != 0) abort();
}

void cow_round(unsigned) {  // the first write to the pages of a private map of a file, cached
    char* memory = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE);
    touch(memory, kChunk);
    if (munmap(memory, kChunk) != 0) abort();
}

constexpr Workload kWorkloads[] = {
    {"file_fault_procs", Actors::Processes, kChunk / kPage, file_round, FileProvider::serve_on, nullptr, Waiting::Spins, ProgramRole::User},
    {"cow_fault_procs", Actors::Processes, kChunk / kPage, cow_round, FileProvider::serve_on, nullptr, Waiting::Spins, ProgramRole::User},
    {"fork_exit_procs", Actors::Processes, kForks, fork_round, nullptr, nullptr, Waiting::Spins, ProgramRole::ProcessManager},
    {"brk_touch_procs", Actors::Processes, kSinglePages, brk_round},
    {"mprotect_procs", Actors::Processes, kSinglePages, mprotect_round},
    {"remap_unmap_procs", Actors::Processes, kRemaps, remap_round, nullptr, nullptr, Waiting::Spins, ProgramRole::ProcessManager},
    {"cache_procs", Actors::Processes, kSinglePages, cache_round, nullptr, nullptr, Waiting::Spins, ProgramRole::ProcessManager},
};

}  // namespace

int main(int argument_count, char** arguments) {
    return shoal::bench::run_suite("vm_calls", kWorkloads, argument_count, arguments);
}
