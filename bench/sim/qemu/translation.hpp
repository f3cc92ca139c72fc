// What the plugin asks to be told of, block by block, as the emulator translates the guest's code.
#pragma once

#include "bench/sim/machine.hpp"
#include "bench/sim/qemu/plugin_api.hpp"

namespace shoal::sim {

// The machine that the emulator's events go to; null until the plugin is installed.
extern Machine* machine;

// The emulator's callback.
void translate(qemu_plugin_id_t, qemu_plugin_tb* translated);

}  // namespace shoal::sim
