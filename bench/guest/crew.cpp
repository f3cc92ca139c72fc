#include "bench/guest/crew.hpp"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "abi/kernel_call_stubs.hpp"
#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"
#include "bench/guest/marks.hpp"
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
    if (!vm_calls::info(kInfoStats, kernel_facts().process, place, sizeof stats, {}).ok()) return {};
    return {stats.total_pages - stats.free_pages - stats.arena_pages - stats.table_pages -
                stats.lent_pages,
            stats.slab_objects_in_use};
}

// acquire: pairs with the release by which the word was set, and so with all that came before
void wait_for(const std::atomic<uint32_t>& word, Waiting waiting) {
    while (word.load(std::memory_order_acquire) == 0)
        if (waiting == Waiting::Yields) (void)sched_yield();
}

// The last actor to come does something for all before it opens the gate.
template <typename ByLast>
void meet(Control::Gate& gate, uint32_t actors, Waiting waiting, ByLast by_last) {
    if (gate.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == actors) {  // pairs with those of the others
        by_last();
        gate.open.store(1, std::memory_order_release);  // pairs with wait_for()
    }
    wait_for(gate.open, waiting);
}

}  // namespace

void act(Control& control, const Workload& workload, unsigned id) {
    const auto meet_at = [&](Control::Gate& gate, auto by_last) { meet(gate, control.actors, workload.waiting, by_last); };
    const auto all_rounds = [&] {
        for (uint64_t i = 0; i < control.rounds; ++i) workload.round(id);
    };
    // Starting an actor takes memory on the CPUs of those that are there already; so nobody warms up before all are.
    meet_at(control.started, [] {});
    all_rounds();
    control.ready.fetch_add(1, std::memory_order_release);  // pairs with the acquire in measure()
    wait_for(control.go, workload.waiting);
    // On an emulator few of many CPUs have run since go: the measurement is marked again when all run. Before that they took turns, and
    // so did what they held; now they warm up side by side.
    meet_at(control.present, marks::measure_on);
    all_rounds();
    meet_at(control.begin, [] {});
    control.stretches[id].start = now();
    marks::stretch_begin();
    all_rounds();
    marks::stretch_end();
    control.stretches[id].end = now();
    // The core stays busy to the end, so that the others meet the same contention. The count comes before any actor ends, for its stack
    // would be among what is given back.
    meet_at(control.done, [&] { control.after = count_holdings(); });
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

Result<void> Crew::start_processes(ProgramRole role) {
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
        options.role = role;
        options.shares = {&shared, 1};
        processes_[id] = TRY(spawn(options));
    }
    return {};
}

// An actor in a process that ends in the middle leaves the others waiting for it. (A thread takes the suite along.)
Error Crew::report_end(const Workload& workload, const EndedChild& ended) {
    unsigned id = 0;
    while (id < control_.actors && processes_[id] != ended.child) ++id;
    const bool ready = control_.go.load(std::memory_order_relaxed) != 0;
    printf("suite %s: %s: actor %u of %u has ended with status %ld %s\n", program_, workload.name, id, control_.actors, ended.status,
           ready ? "in the measurement" : "before it was ready");
    return Error::Generic;
}

Result<void> Crew::look_for_the_ended(const Workload& workload) {
    if (workload.actors == Actors::Threads) return {};
    const Result<EndedChild> ended = wait_child(kAny, WaitMode::Poll);
    if (!ended.ok()) return ended.error() == Error::Again ? Result<void>{} : ended.error();
    return report_end(workload, ended.value());
}

Result<void> Crew::await_ready(const Workload& workload) {
    // acquire: pairs with act()
    while (control_.ready.load(std::memory_order_acquire) < control_.actors) {
        TRY(look_for_the_ended(workload));
        usleep(kPollMicroseconds);
    }
    return {};
}

Result<void> Crew::gather(const Workload& workload) {
    for (unsigned id = 0; id < control_.actors; ++id) {
        if (workload.actors == Actors::Threads)
            (void)pthread_join(threads_[id].thread, nullptr);
        else if (const EndedChild ended = TRY(wait_child()); ended.status != 0)
            return report_end(workload, ended);
    }
    return {};
}

void Crew::end_processes() {
    for (unsigned id = 0; id < control_.actors; ++id)
        if (processes_[id] != kNone) (void)kill_child(processes_[id]);
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
    for (Control::Gate* gate : {&control_.started, &control_.present, &control_.begin, &control_.done}) gate->close();
    control_.ready.store(0, std::memory_order_relaxed);
    control_.go.store(0, std::memory_order_relaxed);
    if (workload.prepare != nullptr) workload.prepare(control_.actors);
    for (Endpoint& process : processes_) process = kNone;
    Result<uint64_t> nanoseconds = measure_begun(workload);
    if (!nanoseconds.ok()) end_processes();
    return nanoseconds;
}

Result<uint64_t> Crew::measure_begun(const Workload& workload) {
    if (workload.actors == Actors::Threads)
        TRY(start_threads(workload));
    else
        TRY(start_processes(workload.role));
    TRY(await_ready(workload));
    usleep(kSettleMicroseconds);
    control_.before = count_holdings();
    marks::measure_on();
    control_.go.store(1, std::memory_order_release);  // pairs with wait_for()
    TRY(gather(workload));
    marks::measure_off();
    if (workload.finish != nullptr) workload.finish(control_.actors);
    return span();
}

}  // namespace shoal::bench
