// Thread slots: processes on all CPUs make threads until there is no slot.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/exhaust/crowd.hpp"
#include "tests/guest/exhaust/resources.hpp"

namespace shoal::test {

namespace {

constexpr unsigned kMostThreads = 8192;

pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
pthread_t made[kMostThreads];

void* wait_at_gate(void*) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return nullptr;
}

struct Taken {
    unsigned threads = 0;
    int error = 0;            // of the first refusal
    uint64_t slots_left = 0;  // then
};

Taken take_all() {
    Taken taken;
    pthread_mutex_lock(&gate);
    for (; taken.threads < kMostThreads && taken.error == 0;) {
        taken.error = pthread_create(&made[taken.threads], nullptr, wait_at_gate, nullptr);
        if (taken.error == 0) ++taken.threads;
    }
    const KernelInfo facts = kernel_facts();
    taken.slots_left = facts.thread_slots - facts.threads;
    pthread_mutex_unlock(&gate);
    for (unsigned i = 0; i < taken.threads; ++i) pthread_join(made[i], nullptr);
    return taken;
}

}  // namespace

// Others do the same, and give slots back.
int take_threads() {
    const Taken taken = take_all();
    return taken.error == EAGAIN ? 0 : 1;
}

void exhaust_threads(Verdict& verdict, unsigned crowd) {
    const Load load;
    Crowd takers(crowd, "threads");
    if (takers.size() < crowd) verdict.fail("only %u processes could be started", takers.size());
    takers.wait([&](int64_t status) {
        if (status != 0) verdict.fail("no thread slot: not refused with EAGAIN (status %ld)", status);
    });
    const Taken taken = take_all();
    printf("exhaust: %u threads, then %lu slots left\n", taken.threads, taken.slots_left);
    if (taken.error != EAGAIN) verdict.fail("no thread slot: not refused with EAGAIN");
    if (taken.slots_left != 0) verdict.fail("%lu thread slots were left", taken.slots_left);
}

}  // namespace shoal::test
