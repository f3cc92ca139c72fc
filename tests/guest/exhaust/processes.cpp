// Process slots: threads on all CPUs start children that do nothing until there is no slot.
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>

#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/exhaust/crowd.hpp"
#include "tests/guest/exhaust/resources.hpp"

namespace shoal::test {

namespace {

constexpr unsigned kMostHolders = 4096;

Endpoint holders[kMostHolders];
std::atomic<unsigned> started;
std::atomic<unsigned> refused_rightly;

// 0: there is no slot, as it should be said.
void* start_holders(void* cpu) {
    for (;;) {
        const Result<Endpoint> child = start_child("hold", reinterpret_cast<uintptr_t>(cpu));
        if (!child.ok()) {
            if (child.error() == Error::Again) refused_rightly.fetch_add(1);
            else printf("exhaust: a process was refused with error %d\n", static_cast<int>(child.error()));
            return nullptr;
        }
        const unsigned number = started.fetch_add(1);
        if (number >= kMostHolders) return nullptr;
        holders[number] = child.value();
    }
}

}  // namespace

int hold_a_slot() {
    while (sleep(1000) == 0) {}
    return 0;
}

void exhaust_processes(Verdict& verdict, unsigned crowd) {
    started = 0, refused_rightly = 0;
    const Load load;
    pthread_t threads[Crowd::kMost];
    unsigned starters = 0;
    for (; starters < crowd; ++starters) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        const unsigned cpu = starters % kernel_facts().cpus;
        pthread_attr_setcpu_np(&attributes, cpu);
        if (pthread_create(&threads[starters], &attributes, start_holders, reinterpret_cast<void*>(uintptr_t{cpu})) != 0) break;
    }
    for (unsigned i = 0; i < starters; ++i) pthread_join(threads[i], nullptr);
    const KernelInfo facts = kernel_facts();
    printf("exhaust: %u processes held, %lu of %lu slots taken\n", started.load(), facts.processes, facts.process_slots);
    if (refused_rightly < crowd) verdict.fail("no process slot: not refused with Again");
    if (facts.processes < facts.process_slots) verdict.fail("slots were left: %lu of %lu taken", facts.processes, facts.process_slots);
    for (unsigned i = 0; i < started; ++i)
        if (!kill_child(holders[i]).ok()) verdict.fail("a holder cannot be killed");
    for (unsigned i = 0; i < started; ++i) {
        const Result<EndedChild> ended = wait_child(holders[i]);
        if (!ended.ok() || ended.value().status != kKilledStatus) return verdict.fail("a holder did not end as killed");
    }
}

}  // namespace shoal::test
