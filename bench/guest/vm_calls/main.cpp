// The suite "vm": VM's other calls, a process a CPU.
#include "bench/guest/pages.hpp"
#include "bench/guest/suite.hpp"
#include "bench/guest/vm_calls/file_provider.hpp"
#include "bench/guest/vm_calls/rows.hpp"

namespace shoal::bench {
namespace {

constexpr Workload of_file(const char* name, void (*round)(unsigned)) {
    return {.name = name, .actors = Actors::Processes, .operations = kChunk / kPage, .round = round, .prepare = FileProvider::serve_on};
}
constexpr Workload of_program(const char* name, uint64_t operations, void (*round)(unsigned)) {
    return {.name = name, .actors = Actors::Processes, .operations = operations, .round = round};
}
constexpr Workload of_manager(const char* name, uint64_t operations, void (*round)(unsigned)) {
    Workload workload = of_program(name, operations, round);
    workload.role = ProgramRole::ProcessManager;
    return workload;
}

constexpr Workload kRows[] = {
    of_file("file_fault_procs", file_round),
    of_file("cow_fault_procs", cow_round),
    of_manager("fork_exit_procs", kForks, fork_round),
    of_program("brk_touch_procs", kSinglePages, brk_round),
    of_program("mprotect_procs", kSinglePages, mprotect_round),
    of_manager("remap_unmap_procs", kRemaps, remap_round),
    of_manager("cache_procs", kSinglePages, cache_round),
    of_manager("map_memory_procs", kMaps, map_memory_round),
    of_manager("swap_procs", kSwaps, swap_round),
};

}  // namespace
}  // namespace shoal::bench

int main(int argument_count, char** arguments) {
    return shoal::bench::run_suite("vm_calls", shoal::bench::kRows, argument_count, arguments);
}
