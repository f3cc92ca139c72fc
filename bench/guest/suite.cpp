#include "bench/guest/suite.hpp"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <new>

#include "bench/guest/crew.hpp"
#include "bench/guest/options.hpp"
#include "bench/guest/report.hpp"
#include "libc-min/system/kernel_facts.hpp"

namespace shoal::bench {
namespace {

// 1, 2, 4 .. and the number of CPUs itself where that is no power of two; 0 behind the last.
unsigned next_count(unsigned count, unsigned cpus) {
    if (count == cpus) return 0;
    return count * 2 <= cpus ? count * 2 : cpus;
}

int act_in_process(const Options& options, std::span<const Workload> workloads) {
    own_control = reinterpret_cast<Control*>(options.control);
    Control& control = *own_control;
    if (control.workload >= workloads.size() || options.actor >= kMaxCpus) return 1;
    act(control, workloads[control.workload], static_cast<unsigned>(options.actor));
    return 0;
}

bool measure(Crew& crew, Report& report, const Workload& workload, const Control& control,
             const Options& options) {
    for (unsigned repetition = 0; repetition < options.repeats; ++repetition) {
        const Result<uint64_t> nanoseconds = crew.measure(workload);
        if (!nanoseconds.ok()) {
            printf("%s with %u actors failed: %s\n", workload.name, control.actors,
                   error_text(nanoseconds.error()));
            return false;
        }
        const uint64_t operations = workload.operations * options.rounds;
        const auto left = [](uint64_t before, uint64_t after) {
            return static_cast<int64_t>(after - before);
        };
        if (!report.add({&workload, control.actors, repetition, operations, nanoseconds.value(),
                         left(control.before.pages, control.after.pages),
                         left(control.before.objects, control.after.objects)}))
            return false;
    }
    return true;
}

Control* map_control() {
    void* memory = mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : new (memory) Control;
}

}  // namespace

int run_suite(const char* name, std::span<const Workload> workloads, int argument_count,
              char** arguments) {
    Options options;
    if (!options.parse(argument_count, arguments)) return 2;
    if (options.is_actor) return act_in_process(options, workloads);

    Control* control = map_control();
    if (control == nullptr) return 1;
    const unsigned all = kernel_facts().cpus;
    const auto cpus = options.cpus == 0 || options.cpus > all ? all
                                                              : static_cast<unsigned>(options.cpus);
    static Report report(name, cpus, static_cast<unsigned>(options.repeats));
    static Crew crew(*control, name);
    report.print_system();
    control->rounds = options.rounds;
    for (size_t i = 0; i < workloads.size(); ++i) {
        if (strstr(workloads[i].name, options.filter) == nullptr) continue;
        control->workload = static_cast<uint32_t>(i);
        for (control->actors = 1; control->actors != 0;
             control->actors = next_count(control->actors, cpus))
            if (control->actors >= options.from &&
                !measure(crew, report, workloads[i], *control, options))
                return 1;
    }
    report.print_table();
    report.print_json();
    return 0;
}

}  // namespace shoal::bench
