// historian: threads on all CPUs map, change and access the same few pages at once. What they saw is printed, and the host looks for an order that
// explains it; pages that belong to one thread are checked at each access.
//     count=N  operations of each thread (10,000)    seed=N    threads=N  (one for each CPU)
#include <pthread.h>
#include <stdio.h>

#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/arguments.hpp"
#include "tests/guest/historian/fought_over.hpp"
#include "tests/guest/historian/own_pages.hpp"
#include "tests/guest/verdict.hpp"

namespace shoal::test {
namespace {

constexpr unsigned kMostThreads = 8;

EventClock event_clock;

struct Historian {
    unsigned number, of;
    uint64_t seed, count;
    EventLog log;
    const char* wrong = nullptr;
    pthread_t thread;
};

void* write_history(void* argument) {
    auto& self = *static_cast<Historian*>(argument);
    Random random(self.seed * 1'000'003 + self.number);
    FoughtOver fought_over(event_clock, self.log, random);
    OwnPages own(self.number, self.of);
    for (uint64_t i = 0; i < self.count && self.wrong == nullptr; ++i) {
        if (random.one_in(2)) fought_over.do_something();
        else self.wrong = own.do_something(random);
    }
    return nullptr;
}

bool start(Historian& historian) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setcpu_np(&attributes, historian.number % kernel_facts().cpus);
    return pthread_create(&historian.thread, &attributes, write_history, &historian) == 0;
}

void run(Verdict& verdict, uint64_t seed, uint64_t count, unsigned threads) {
    static Historian historians[kMostThreads];
    for (unsigned i = 0; i < threads; ++i) {
        historians[i].number = i, historians[i].of = threads;
        historians[i].seed = seed, historians[i].count = count;
        if (!historians[i].log.reserve(FoughtOver::kMostEvents * count + 1)) return verdict.fail("no memory for %lu events", count);
    }
    if (FoughtOver::open(event_clock, historians[0].log) != Error::None) return verdict.fail("the pages could not be mapped");
    for (unsigned i = 0; i < threads; ++i)
        if (!start(historians[i])) return verdict.fail("thread %u did not start", i);
    uint64_t events = 0;
    for (unsigned i = 0; i < threads; ++i) {
        (void)pthread_join(historians[i].thread, nullptr);
        if (historians[i].wrong != nullptr) verdict.fail("thread %u: %s", i, historians[i].wrong);
        events += historians[i].log.count();
    }
    for (unsigned i = 0; i < threads; ++i) historians[i].log.print(i);
    printf("history of %u pages ends after %lu events\n", kFoughtOver, events);
}

}  // namespace
}  // namespace shoal::test

int main(int argument_count, char** arguments) {
    using namespace shoal::test;
    Verdict verdict("historian");
    const uint64_t seed = number_argument(argument_count, arguments, "seed", 1);
    const uint64_t count = number_argument(argument_count, arguments, "count", 10'000);
    const uint64_t asked = number_argument(argument_count, arguments, "threads", shoal::kernel_facts().cpus);
    printf("historian: seed %lu, %lu operations a thread\n", seed, count);
    run(verdict, seed, count, static_cast<unsigned>(asked < kMostThreads ? asked : kMostThreads));
    return verdict.finish();
}
