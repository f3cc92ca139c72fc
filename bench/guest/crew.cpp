#include "bench/guest/crew.hpp"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "abi/kernel_call_stubs.hpp"
#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"
#include "bench/guest/marks.hpp"
#include "libc-min/process.hpp"
#include "libc-min/system/kernel_facts.hpp"

namespace shoal::bench {
namespace {

constexpr unsigned kPollMicroseconds = 1000;
constexpr unsigned kSettleMicroseconds = 50'000;  // until whatever the start has stirred up is quiet

uint64_t now() {
    const Result<uint64_t> time = kernel_calls::clock();
    return time.ok() ? time.value() : 0;
}

// All user pages of the machine, also those on their way out; all objects of VM, also those that readers may still hold.
Holdings count_holdings() {
    VmStats stats{};
    const VirtualAddress place{reinterpret_cast<uint64_t>(&stats)};
    if (!vm_calls::info(kInfoStats, kernel_facts().process, place, sizeof stats).ok()) return {};
    return {stats.total_pages - stats.free_pages - stats.arena_pages - stats.table_pages -
                stats.lent_pages,
            stats.slab_objects_in_use};
}

}  // namespace

void act(Control& control, const Workload& workload, unsigned id) {
    // Starting an actor takes memory on the CPUs of those that are there already; so nobody warms up before all are.
    control.started.fetch_add(1, std::memory_order_release);  // pairs with the acquire below
    while (control.started.load(std::memory_order_acquire) < control.actors) {  // pairs with the release above
    }
    for (uint64_t i = 0; i < control.rounds; ++i) workload.round(id);  // warm
    control.ready.fetch_add(1, std::memory_order_release);  // pairs with the acquire in measure()
    while (control.go.load(std::memory_order_acquire) == 0) {  // pairs with the release in measure()
    }
    control.stretches[id].start = now();
    marks::stretch_begin();
    for (uint64_t i = 0; i < control.rounds; ++i) workload.round(id);
    marks::stretch_end();
    control.stretches[id].end = now();
    control.done.fetch_add(1, std::memory_order_release);  // pairs with the acquire below
    // The core stays busy to the end, so that the others meet the same contention.
    while (control.done.load(std::memory_order_acquire) < control.actors) {
    }
    // Before any actor ends, for its stack would be among what is given back.
    if (id == 0) {
        control.after = count_holdings();
        control.counted.store(1, std::memory_order_release);  // pairs with the acquire below
    }
    while (control.counted.load(std::memory_order_acquire) == 0) {  // pairs with the release above
    }
}

Result<void> Crew::start_threads(const Workload& workload) {
    for (unsigned id = 0; id < control_.actors; ++id) {
        threads_[id] = {this, &workload, id, 0};
        pthread_attr_t attributes;
        (void)pthread_attr_init(&attributes);
        (void)pthread_attr_setcpu_np(&attributes, id);
        const auto main = [](void* argument) -> void* {
            const auto* start = static_cast<ThreadStart*>(argument);
            act(start->crew->control_, *start->workload, start->id);
            return nullptr;
        };
        if (pthread_create(&threads_[id].thread, &attributes, main, &threads_[id]) != 0)
            return Error::Again;
    }
    return {};
}

Result<void> Crew::start_processes() {
    for (unsigned id = 0; id < control_.actors; ++id) {
        char actor[32], control[32];
        snprintf(actor, sizeof actor, "actor=%u", id);
        snprintf(control, sizeof control, "control=%p", static_cast<void*>(&control_));
        const char* const arguments[] = {program_, actor, control};
        const VirtualRange shared = VirtualRange::of(
            VirtualAddress{reinterpret_cast<uint64_t>(&control_)},
            PageCount::covering(sizeof control_).bytes());
        SpawnOptions options;
        options.name = program_;
        options.arguments = arguments;
        options.cpu = id;
        options.shares = {&shared, 1};
        TRY(spawn(options));
    }
    return {};
}

Result<void> Crew::gather(Actors actors) {
    for (unsigned id = 0; id < control_.actors; ++id) {
        if (actors == Actors::Threads)
            (void)pthread_join(threads_[id].thread, nullptr);
        else if (const EndedChild ended = TRY(wait_child()); ended.status != 0)
            return Error::Generic;
    }
    return {};
}

uint64_t Crew::span() const {
    uint64_t first = ~uint64_t{0}, last = 0;
    for (unsigned id = 0; id < control_.actors; ++id) {
        if (control_.stretches[id].start < first) first = control_.stretches[id].start;
        if (control_.stretches[id].end > last) last = control_.stretches[id].end;
    }
    return last - first;
}

Result<uint64_t> Crew::measure(const Workload& workload) {
    control_.started.store(0, std::memory_order_relaxed);
    control_.ready.store(0, std::memory_order_relaxed);
    control_.go.store(0, std::memory_order_relaxed);
    control_.done.store(0, std::memory_order_relaxed);
    control_.counted.store(0, std::memory_order_relaxed);
    if (workload.prepare != nullptr) workload.prepare(control_.actors);
    if (workload.actors == Actors::Threads)
        TRY(start_threads(workload));
    else
        TRY(start_processes());
    // acquire: pairs with act()
    while (control_.ready.load(std::memory_order_acquire) < control_.actors)
        usleep(kPollMicroseconds);
    usleep(kSettleMicroseconds);
    control_.before = count_holdings();
    marks::measure_on();
    control_.go.store(1, std::memory_order_release);  // pairs with act()
    TRY(gather(workload.actors));
    marks::measure_off();
    if (workload.finish != nullptr) workload.finish(control_.actors);
    return span();
}

}  // namespace shoal::bench
