// The kernel's own page tables: direct map, image (W^X), and the page where other CPUs start.
#pragma once

#include "boot/decode/multiboot2.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::boot {

// Builds and loads them; fills in machine.kernel_root. Needs the first 4 GiB in the direct map, which boot's tables have.
void load_kernel_map(const LoaderInformation& loader, smp::MachineDescription& machine);

// Memory of the image, from the link script.
ByteView kernel_image_bytes();

}  // namespace shoal::boot
