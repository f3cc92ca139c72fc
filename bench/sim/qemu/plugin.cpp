// What QEMU loads: reads the options, makes the machine, and has the emulator's events sent to it.
#include <cstdlib>

#include "bench/sim/qemu/plugin_api.hpp"
#include "bench/sim/qemu/translation.hpp"

int qemu_plugin_version = 1;

namespace {

using shoal::sim::machine;

void on_init(qemu_plugin_id_t, unsigned cpu) {
    if (cpu >= shoal::sim::kMaxCores) {
        std::fprintf(stderr, "sim: at most %u CPUs\n", shoal::sim::kMaxCores);
        std::exit(2);
    }
    machine->clocks().set_count(cpu + 1);
}

void on_idle(qemu_plugin_id_t, unsigned cpu) { machine->clocks().idle(cpu); }
void on_resume(qemu_plugin_id_t, unsigned cpu) { machine->clocks().wake(cpu); }

}  // namespace

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t*, int argc, char** argv) {
    shoal::sim::Options options;
    const std::string wrong = options.parse({argv, static_cast<size_t>(argc)});
    if (!wrong.empty()) {
        std::fprintf(stderr, "sim: %s\n", wrong.c_str());
        return 1;
    }
    // Lives to the emulator's end, like the blocks.
    machine = new shoal::sim::Machine(options, stderr);
    if (!machine->reserve()) {
        std::fprintf(stderr, "sim: no room for the lines of %lu MiB\n", options.memory_mib);
        return 1;
    }
    qemu_plugin_register_vcpu_init_cb(id, on_init);
    qemu_plugin_register_vcpu_idle_cb(id, on_idle);
    qemu_plugin_register_vcpu_resume_cb(id, on_resume);
    qemu_plugin_register_vcpu_tb_trans_cb(id, shoal::sim::translate);
    return 0;
}
