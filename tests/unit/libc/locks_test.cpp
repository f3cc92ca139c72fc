// Mutexes, condition variables, once and barriers on threads of the host; run under ThreadSanitizer too.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <limits>
#include <thread>
#include <vector>

#include "libc-min/thread/platform.hpp"
#include "libc-min/thread/public_names.hpp"


namespace {

namespace ours = shoal::libc;

constexpr unsigned kThreads = 4;

template <typename Work>
void in_threads(Work work) {
    std::vector<std::thread> threads;
    for (unsigned id = 0; id < kThreads; ++id) threads.emplace_back(work, id);
    for (std::thread& thread : threads) thread.join();
}

ours::pthread_mutex_t mutex_of(int kind) {
    ours::pthread_mutexattr_t attributes;
    ours::pthread_mutexattr_init(&attributes);
    EXPECT_EQ(ours::pthread_mutexattr_settype(&attributes, kind), 0);
    ours::pthread_mutex_t mutex;
    ours::pthread_mutex_init(&mutex, &attributes);
    return mutex;
}

TEST(Mutex, ExcludesInEveryKind) {
    for (int kind : {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK}) {
        ours::pthread_mutex_t mutex = mutex_of(kind);
        uint64_t counter = 0;
        constexpr int kRounds = 20'000;
        in_threads([&](unsigned) {
            for (int i = 0; i < kRounds; ++i) {
                ASSERT_EQ(ours::pthread_mutex_lock(&mutex), 0);
                ++counter;
                ASSERT_EQ(ours::pthread_mutex_unlock(&mutex), 0);
            }
        });
        EXPECT_EQ(counter, uint64_t{kThreads} * kRounds);
        EXPECT_EQ(ours::pthread_mutex_destroy(&mutex), 0);
    }
}

TEST(Mutex, RecursiveCountsItsDepth) {
    ours::pthread_mutex_t mutex = mutex_of(PTHREAD_MUTEX_RECURSIVE);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(ours::pthread_mutex_lock(&mutex), 0);
    ASSERT_EQ(ours::pthread_mutex_trylock(&mutex), 0);
    for (int i = 0; i < 4; ++i) {
        std::thread([&] { EXPECT_EQ(ours::pthread_mutex_trylock(&mutex), EBUSY); }).join();
        ASSERT_EQ(ours::pthread_mutex_unlock(&mutex), 0);
    }
    EXPECT_EQ(ours::pthread_mutex_unlock(&mutex), EPERM);
}

TEST(Mutex, ErrorCheckNamesMistakes) {
    ours::pthread_mutex_t mutex = mutex_of(PTHREAD_MUTEX_ERRORCHECK);
    EXPECT_EQ(ours::pthread_mutex_unlock(&mutex), EPERM);
    ASSERT_EQ(ours::pthread_mutex_lock(&mutex), 0);
    EXPECT_EQ(ours::pthread_mutex_lock(&mutex), EDEADLK);
    EXPECT_EQ(ours::pthread_mutex_destroy(&mutex), EBUSY);
    std::thread([&] { EXPECT_EQ(ours::pthread_mutex_unlock(&mutex), EPERM); }).join();
    EXPECT_EQ(ours::pthread_mutex_unlock(&mutex), 0);
    ours::pthread_mutexattr_t attributes;
    EXPECT_EQ(ours::pthread_mutexattr_settype(&attributes, 9), EINVAL);
}

// A bounded buffer of one: no item is lost or seen twice, and nobody sleeps for ever.
TEST(Condition, HandsEveryItemOver) {
    ours::pthread_mutex_t mutex = mutex_of(PTHREAD_MUTEX_NORMAL);
    ours::pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
    constexpr uint64_t kItems = 4000;
    uint64_t slot = 0, produced = 0, consumed = 0, sum = 0;  // slot 0: empty
    in_threads([&](unsigned id) {
        for (;;) {
            ours::pthread_mutex_lock(&mutex);
            const bool producer = id % 2 == 0;
            while (producer ? slot != 0 && produced < kItems : slot == 0 && consumed < kItems)
                ours::pthread_cond_wait(&changed, &mutex);
            const bool finished = producer ? produced == kItems : consumed == kItems;
            if (!finished && producer) slot = ++produced;
            if (!finished && !producer) sum += slot, slot = 0, ++consumed;
            ours::pthread_cond_broadcast(&changed);
            ours::pthread_mutex_unlock(&mutex);
            if (finished) return;
        }
    });
    EXPECT_EQ(consumed, kItems);
    EXPECT_EQ(sum, kItems * (kItems + 1) / 2);
}

TEST(Condition, SignalWakesAndTimeEnds) {
    ours::pthread_mutex_t mutex = mutex_of(PTHREAD_MUTEX_NORMAL);
    ours::pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
    ours::pthread_mutex_lock(&mutex);
    const uint64_t deadline = ours::platform::now() + 20'000'000;
    const timespec until = {static_cast<time_t>(deadline / 1'000'000'000),
                            static_cast<long>(deadline % 1'000'000'000)};
    int result = 0;
    while (result == 0) result = ours::pthread_cond_timedwait(&changed, &mutex, &until);
    EXPECT_EQ(result, ETIMEDOUT);
    EXPECT_GE(ours::platform::now(), deadline);

    bool ready = false;
    std::thread signaller([&] {
        ours::pthread_mutex_lock(&mutex);
        ready = true;
        ours::pthread_cond_signal(&changed);
        ours::pthread_mutex_unlock(&mutex);
    });
    while (!ready) ours::pthread_cond_wait(&changed, &mutex);
    ours::pthread_mutex_unlock(&mutex);
    signaller.join();
    const timespec bad = {0, -1};
    EXPECT_EQ(ours::pthread_cond_timedwait(&changed, &mutex, &bad), EINVAL);
    EXPECT_EQ(ours::pthread_cond_destroy(&changed), 0);
}

TEST(Condition, TimesBeyondCountingAreLongNotShort) {
    ours::pthread_mutex_t mutex = mutex_of(PTHREAD_MUTEX_NORMAL);
    ours::pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
    bool ready = false;
    ours::pthread_mutex_lock(&mutex);
    std::thread signaller([&] {
        ours::pthread_mutex_lock(&mutex);
        ready = true;
        ours::pthread_cond_signal(&changed);
        ours::pthread_mutex_unlock(&mutex);
    });
    const timespec never = {std::numeric_limits<time_t>::max(), 999'999'999};
    while (!ready) ASSERT_EQ(ours::pthread_cond_timedwait(&changed, &mutex, &never), 0);
    ours::pthread_mutex_unlock(&mutex);
    signaller.join();
}

TEST(Condition, WaitingWithoutTheMutexIsRefused) {
    ours::pthread_mutex_t mutex = mutex_of(PTHREAD_MUTEX_ERRORCHECK);
    ours::pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
    EXPECT_EQ(ours::pthread_cond_wait(&changed, &mutex), EPERM);
    EXPECT_EQ(ours::pthread_cond_destroy(&changed), 0) << "nobody waits";
    EXPECT_EQ(ours::pthread_mutex_trylock(&mutex), 0) << "nobody has it";
    EXPECT_EQ(ours::pthread_mutex_unlock(&mutex), 0);
}

int once_calls;
int once_value;

TEST(Once, RunsOnceAndAllSeeIt) {
    for (int round = 0; round < 200; ++round) {
        ours::pthread_once_t once = PTHREAD_ONCE_INIT;
        once_calls = once_value = 0;
        in_threads([&](unsigned) {
            ours::pthread_once(&once, [] {
                ++once_calls;
                std::this_thread::yield();
                once_value = 42;
            });
            EXPECT_EQ(once_value, 42);
        });
        EXPECT_EQ(once_calls, 1);
    }
}

TEST(Barrier, NobodyPassesEarly) {
    ours::pthread_barrier_t barrier;
    EXPECT_EQ(ours::pthread_barrier_init(&barrier, nullptr, 0), EINVAL);
    ASSERT_EQ(ours::pthread_barrier_init(&barrier, nullptr, kThreads), 0);
    constexpr unsigned kPhases = 500;
    std::atomic<unsigned> serial{0};
    std::vector<unsigned> phase_of(kThreads, 0);
    in_threads([&](unsigned id) {
        for (unsigned phase = 1; phase <= kPhases; ++phase) {
            phase_of[id] = phase;
            serial += ours::pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD ? 1 : 0;
            for (unsigned other = 0; other < kThreads; ++other) EXPECT_EQ(phase_of[other], phase);
            ours::pthread_barrier_wait(&barrier);
        }
    });
    EXPECT_EQ(serial.load(), kPhases);
    EXPECT_EQ(ours::pthread_barrier_destroy(&barrier), 0);
}

}  // namespace
