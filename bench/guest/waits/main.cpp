// How long a page fault waits while VM does long work on the same CPU: for the timing model, in which each fault is a stretch.
//     filter=TEXT  only work whose name contains it
//     mappings=N   of a process that ends (20,000)
#include <pthread.h>
#include <string.h>

#include <atomic>

#include "abi/memory.hpp"
#include "abi/privileges.hpp"
#include "bench/guest/marks.hpp"
#include "bench/guest/vm_calls/actor.hpp"
#include "bench/guest/vm_calls/partner.hpp"
#include "libc-min/system/kernel_facts.hpp"

namespace shoal::bench {
namespace {

constexpr size_t kHuge = 64 * kChunk, kFewPages = 16 * kPage;
unsigned mappings = 20'000;
constexpr uint64_t kReadWrite = kProtectRead | kProtectWrite, kPrivate = kMapPrivate | kMapAnonymous;

// --- What a process has that ends ---

void fill_memory() {
    const auto memory = vm_calls::mmap({}, kHuge, kReadWrite, kPrivate);
    if (memory.ok()) touch(reinterpret_cast<volatile char*>(memory.value().raw()), kHuge);
}

void map_much() {
    for (unsigned i = 0; i < mappings; ++i) {
        const uint64_t protection = i % 2 == 0 ? kReadWrite : uint64_t{kProtectRead};  // so that neighbours stay apart
        (void)vm_calls::mmap({}, kPage, protection, kPrivate);
    }
}

void share_much() {
    for (unsigned i = 0; i < mappings; ++i) (void)vm_calls::mmap({}, kPage, kReadWrite, kMapShared | kMapAnonymous);
}

// --- The work ---

template <Partner::Task kTask>
struct Ending {
    Partner* partner = nullptr;
    void prepare() {
        partner = new Partner(kTask, 0, kServerPriority);
        partner->await();
    }
    void run() { delete partner; }
};

struct Unmapping {
    char* memory = nullptr;
    void prepare() { touch(memory = map(kHuge), kHuge); }
    void run() const {
        if (munmap(memory, kHuge) != 0) abort();
    }
};

struct Copying {
    char* memory = nullptr;
    void prepare() { touch(memory = map(kHuge), kHuge); }
    void run() const {
        const auto copy = CopiedProcess::of(kernel_facts().process);
        require(copy, "no copy");
        require(copy.value().end(), "the copy does not end");
        if (munmap(memory, kHuge) != 0) abort();
    }
};

// --- The faults beside it ---

struct Beside {
    std::atomic<bool> begun{false}, over{false};
    uint64_t faults = 0;
    pthread_t thread{};
};

void take_fault(volatile char* page) {
    marks::stretch_begin();
    *page = 1;
    marks::stretch_end();
}

// It changes no region: that would wait for the end of a fork, and no fault would be beside it.
void* take_faults(void* argument) {
    auto& beside = *static_cast<Beside*>(argument);
    char* memory = map(kFewPages);
    do {
        for (size_t at = 0; at < kFewPages; at += kPage, ++beside.faults) take_fault(memory + at);
        if (madvise(memory, kFewPages, MADV_DONTNEED) != 0) abort();
        beside.begun = true;
    } while (!beside.over);
    if (munmap(memory, kFewPages) != 0) abort();
    return nullptr;
}

template <typename Work>
void measure(const char* name, const char* filter) {
    if (strstr(name, filter) == nullptr) return;
    Work work;
    work.prepare();
    Beside beside;
    if (pthread_create(&beside.thread, nullptr, take_faults, &beside) != 0) abort();
    while (!beside.begun) (void)kernel_calls::thread_yield();
    work.run();
    beside.over = true;
    (void)pthread_join(beside.thread, nullptr);
    printf("WAITS %s faults=%lu\n", name, beside.faults);
}

}  // namespace
}  // namespace shoal::bench

int main(int argument_count, char** arguments) {
    using namespace shoal::bench;
    const char* filter = "";
    for (int i = 1; i < argument_count; ++i)
        if (strncmp(arguments[i], "filter=", 7) == 0) filter = arguments[i] + 7;
        else if (strncmp(arguments[i], "mappings=", 9) == 0) mappings = static_cast<unsigned>(atoi(arguments[i] + 9));
    marks::measure_on();
    measure<Ending<fill_memory>>("end_of_128_MiB", filter);
    measure<Ending<map_much>>("end_of_many_mappings", filter);
    measure<Ending<share_much>>("end_of_many_shared_mappings", filter);
    measure<Unmapping>("munmap_of_128_MiB", filter);
    measure<Copying>("fork_of_128_MiB", filter);
    marks::measure_off();
    return 0;
}
