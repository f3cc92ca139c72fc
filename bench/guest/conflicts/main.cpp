// The suite "conflicts": every pair of operations, at the same time on two CPUs, in two processes, in two regions, in two leaves of
// a region, in one leaf. It measures no time: a timing model lists the lines that both CPUs touched between the marks.
//     filter=TEXT   only pairs whose name A+B/RELATION contains it
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "bench/guest/conflicts/lockstep.hpp"
#include "bench/guest/conflicts/operations.hpp"
#include "bench/guest/marks.hpp"
#include "bench/guest/workload.hpp"
#include "libc-min/process.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "libc-min/trap.hpp"

namespace {

using namespace shoal::bench;

constexpr const char* kProgram = "conflicts";
constexpr uint32_t kStop = 2;

struct Shared {
    Lockstep lockstep;
    char filter[64];
};

struct Pair {
    const ConflictOperation* operations[kActors];
    Relation relation;

    void print_name(char* text, size_t bytes) const {
        snprintf(text, bytes, "%s+%s/%s", operations[0]->name, operations[1]->name, name(relation));
    }
    // Two breaks of one process are one thing, and what has no place is nowhere closer.
    [[nodiscard]] bool makes_sense() const {
        if (relation == Relation::OtherProcess) return true;
        const bool both_break = operations[0] == operations[1] && strcmp(operations[0]->name, "brk") == 0;
        if (relation == Relation::OtherRegion) return !both_break;
        return operations[0]->has_place && operations[1]->has_place;
    }
};

// The server's program: answers until it is told to stop.
int serve() {
    shoal::Message message;
    shoal::TrapResult received = shoal::receive(shoal::kAny, message);
    while (received.error == shoal::Error::None && message.type() != kStop) {
        const shoal::Endpoint asker = message.source();
        message.set_type(0);
        received = shoal::reply_receive(asker, message);
    }
    return 0;
}

void map_region(char* start, size_t bytes) {
    if (mmap(start, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
        start)
        abort();
}

// One actor's part in one pair; the other does the same at the same time.
void act(Shared& shared, const Pair& pair, unsigned id) {
    const bool common = shares_region(pair.relation);
    Actor actor{place_of(pair.relation, id), common, shared.lockstep.servers[id]};
    const ConflictOperation& operation = *pair.operations[id];
    // Once to warm up: tables, leaves and full magazines are there when it counts.
    for (const bool counts : {false, true}) {
        if (!common) map_region(actor.place.start, Place::bytes());
        if (common && id == 0) map_region(shared_region(), kSharedBytes);
        shared.lockstep.meet();
        prepare(operation, actor);
        shared.lockstep.meet();
        if (counts && id == 0) marks::measure_on();
        shared.lockstep.meet();
        if (counts) marks::stretch_begin();
        operation.run(actor);
        if (counts) marks::stretch_end();
        shared.lockstep.meet();
        if (counts && id == 0) {
            marks::measure_off();
            char text[64];
            pair.print_name(text, sizeof text);
            printf("RES %s T=%u ops/thread %u\n", text, kActors, operation.times);
        }
        shared.lockstep.meet();
        clean(operation, actor);
        shared.lockstep.meet();
        if (common && id == 0) (void)munmap(shared_region(), kSharedBytes);
        shared.lockstep.meet();
    }
}

// All pairs, of two processes or of two threads.
void act_all(Shared& shared, unsigned id, Actors actors) {
    const auto operations = conflict_operations();
    for (const Relation relation : kRelations) {
        const bool needs_processes = relation == Relation::OtherProcess;
        if (needs_processes != (actors == Actors::Processes)) continue;
        for (size_t i = 0; i < operations.size(); ++i) {
            for (size_t j = i; j < operations.size(); ++j) {
                const Pair pair{{&operations[i], &operations[j]}, relation};
                char text[64];
                pair.print_name(text, sizeof text);
                if (pair.makes_sense() && strstr(text, shared.filter) != nullptr)
                    act(shared, pair, id);
            }
        }
    }
}

bool start(const char* word, Shared& shared, unsigned cpu, shoal::Endpoint* made) {
    char address[32];
    snprintf(address, sizeof address, "%p", static_cast<void*>(&shared));
    const char* const arguments[] = {kProgram, word, address};
    const shoal::VirtualRange range = shoal::VirtualRange::of(
        shoal::VirtualAddress{reinterpret_cast<uint64_t>(&shared)},
        shoal::PageCount::covering(sizeof shared).bytes());
    shoal::SpawnOptions options;
    options.name = kProgram;
    options.arguments = arguments;
    options.cpu = cpu;
    options.shares = {&range, 1};
    const shoal::Result<shoal::Endpoint> child = shoal::spawn(options);
    if (!child.ok()) {
        printf("%s: no %s on CPU %u: %s\n", kProgram, word, cpu, shoal::error_text(child.error()));
        return false;
    }
    if (made != nullptr) *made = child.value();
    return true;
}

int act_in_process(char** arguments, unsigned id) {
    auto& shared = *reinterpret_cast<Shared*>(strtoul(arguments[2], nullptr, 0));
    act_all(shared, id, Actors::Processes);
    return 0;
}

bool run_processes(Shared& shared) {
    if (!start("actor0", shared, 0, nullptr) || !start("actor1", shared, 1, nullptr)) return false;
    for (unsigned i = 0; i < kActors; ++i) {
        const shoal::Result<shoal::EndedChild> ended = shoal::wait_child();
        if (!ended.ok() || ended.value().status != 0) return false;
    }
    return true;
}

struct ThreadStart {
    Shared* shared;
    unsigned id;
};

bool run_threads(Shared& shared) {
    ThreadStart starts[kActors];
    pthread_t threads[kActors];
    for (unsigned id = 0; id < kActors; ++id) {
        starts[id] = {&shared, id};
        pthread_attr_t attributes;
        (void)pthread_attr_init(&attributes);
        (void)pthread_attr_setcpu_np(&attributes, id);
        const auto main = [](void* argument) -> void* {
            const auto& each = *static_cast<ThreadStart*>(argument);
            act_all(*each.shared, each.id, Actors::Threads);
            return nullptr;
        };
        if (pthread_create(&threads[id], &attributes, main, &starts[id]) != 0) return false;
    }
    for (const pthread_t thread : threads) (void)pthread_join(thread, nullptr);
    return true;
}

void stop_servers(Shared& shared) {
    for (const shoal::Endpoint server : shared.lockstep.servers) {
        shoal::Message message;
        message.set_type(kStop);
        (void)shoal::send(server, message);
        (void)shoal::wait_child(server);
    }
}

int run_all(const char* filter) {
    void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 1;
    auto& shared = *new (memory) Shared;
    snprintf(shared.filter, sizeof shared.filter, "%s", filter);
    if (shoal::kernel_facts().cpus < kActors) {
        printf("%s: needs %u CPUs\n", kProgram, kActors);
        return 1;
    }
    for (unsigned cpu = 0; cpu < kActors; ++cpu)
        if (!start("serve", shared, cpu, &shared.lockstep.servers[cpu])) return 1;
    const bool done = run_processes(shared) && run_threads(shared);
    stop_servers(shared);
    if (!done) printf("%s: an actor failed\n", kProgram);
    return done ? 0 : 1;
}

}  // namespace

int main(int argument_count, char** arguments) {
    const char* word = argument_count > 1 ? arguments[1] : "";
    if (argument_count == 3 && strcmp(word, "serve") == 0) return serve();
    if (argument_count == 3 && strcmp(word, "actor0") == 0) return act_in_process(arguments, 0);
    if (argument_count == 3 && strcmp(word, "actor1") == 0) return act_in_process(arguments, 1);
    constexpr char kFilter[] = "filter=";
    if (argument_count == 1) return run_all("");
    if (argument_count == 2 && strncmp(word, kFilter, sizeof kFilter - 1) == 0)
        return run_all(word + sizeof kFilter - 1);
    printf("%s: cannot use \"%s\": filter=TEXT\n", arguments[0], word);
    return 2;
}
