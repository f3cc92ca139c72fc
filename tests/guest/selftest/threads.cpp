// Threads, thread-local variables and locks.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include <atomic>
#include <cstdint>

#include "abi/kernel_info.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/selftest/cases.hpp"

namespace shoal::test {
namespace {

constexpr unsigned kThreads = 8;

void* add_one(void* argument) {
    return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(argument) + 1);
}

void* report_cpu(void*) { return reinterpret_cast<void*>(static_cast<intptr_t>(sched_getcpu())); }

std::atomic<unsigned> detached_done;

void* count_detached(void*) {
    detached_done.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
}

void test_affinity(Verdict& verdict) {
    const unsigned cpus = kernel_facts().cpus;
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setcpu_np(&attributes, cpu);
        pthread_t thread;
        void* seen = nullptr;
        SHOAL_EXPECT(verdict, pthread_create(&thread, &attributes, report_cpu, nullptr) == 0);
        SHOAL_EXPECT(verdict, pthread_join(thread, &seen) == 0);
        SHOAL_EXPECT(verdict, reinterpret_cast<uintptr_t>(seen) == cpu);
        SHOAL_EXPECT(verdict, set_affinity(cpu) == Error::None);
        SHOAL_EXPECT(verdict, sched_getcpu() == static_cast<int>(cpu));
    }
    SHOAL_EXPECT(verdict, set_affinity(cpus) == Error::BadCpu);
    SHOAL_EXPECT(verdict, set_affinity(kAnyCpu) == Error::None);
}

__thread int initialised = 17;
__thread char zeroed[100];
alignas(64) __thread uint64_t aligned = 3;

void* check_thread_local(void* argument) {
    auto& verdict = *static_cast<Verdict*>(argument);
    SHOAL_EXPECT(verdict, initialised == 17 && aligned == 3);
    SHOAL_EXPECT(verdict, reinterpret_cast<uintptr_t>(&aligned) % 64 == 0);
    for (char c : zeroed) SHOAL_EXPECT(verdict, c == 0);
    initialised = 99;
    aligned = 100;
    for (char& c : zeroed) c = 1;
    errno = ERANGE;
    return &initialised;
}

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
pthread_barrier_t barrier;
uint64_t counter;
unsigned turn;

void* count_under_mutex(void*) {
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 5000; ++i) {
        pthread_mutex_lock(&mutex);
        ++counter;
        pthread_mutex_unlock(&mutex);
    }
    return nullptr;
}

// Each thread in its turn, around and around: every step needs a wake-up.
void* take_turns(void* argument) {
    const auto id = reinterpret_cast<uintptr_t>(argument);
    for (int i = 0; i < 50; ++i) {
        pthread_mutex_lock(&mutex);
        while (turn % kThreads != id) pthread_cond_wait(&condition, &mutex);
        ++turn;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return nullptr;
}

void run_all(Verdict& verdict, void* (*start)(void*)) {
    pthread_t threads[kThreads];
    for (uintptr_t id = 0; id < kThreads; ++id)
        if (pthread_create(&threads[id], nullptr, start, reinterpret_cast<void*>(id)) != 0)
            return verdict.fail("pthread_create failed");
    for (pthread_t thread : threads) SHOAL_EXPECT(verdict, pthread_join(thread, nullptr) == 0);
}

}  // namespace

void test_threads(Verdict& verdict) {
    for (unsigned round = 0; round < 200; ++round) {
        pthread_t thread;
        void* result = nullptr;
        SHOAL_EXPECT(verdict, pthread_create(&thread, nullptr, add_one, reinterpret_cast<void*>(round)) == 0);
        SHOAL_EXPECT(verdict, pthread_join(thread, &result) == 0);
        SHOAL_EXPECT(verdict, reinterpret_cast<uintptr_t>(result) == round + 1);
    }
    detached_done.store(0, std::memory_order_relaxed);
    for (unsigned i = 0; i < 50; ++i) {
        pthread_t thread;
        SHOAL_EXPECT(verdict, pthread_create(&thread, nullptr, count_detached, nullptr) == 0);
        SHOAL_EXPECT(verdict, pthread_detach(thread) == 0);
    }
    while (detached_done.load(std::memory_order_relaxed) < 50) sched_yield();
    SHOAL_EXPECT(verdict, pthread_join(pthread_self(), nullptr) == EDEADLK);
    test_affinity(verdict);
}

void test_thread_local(Verdict& verdict) {
    initialised = 5;
    errno = 0;
    pthread_t threads[2];
    void* places[2];
    for (pthread_t& thread : threads)
        pthread_create(&thread, nullptr, check_thread_local, &verdict);
    for (int i = 0; i < 2; ++i) pthread_join(threads[i], &places[i]);
    SHOAL_EXPECT(verdict, initialised == 5 && errno == 0);
    SHOAL_EXPECT(verdict, places[0] != &initialised && places[1] != &initialised);
}

void test_locks(Verdict& verdict) {
    pthread_barrier_init(&barrier, nullptr, kThreads);
    run_all(verdict, count_under_mutex);
    SHOAL_EXPECT(verdict, counter == kThreads * 5000);
    run_all(verdict, take_turns);
    SHOAL_EXPECT(verdict, turn == kThreads * 50);
    timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 1;
    until.tv_nsec = 0;
    pthread_mutex_lock(&mutex);
    int result = 0;
    while (result == 0) result = pthread_cond_timedwait(&condition, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    SHOAL_EXPECT(verdict, result == ETIMEDOUT);
}

}  // namespace shoal::test
