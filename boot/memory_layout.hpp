// Which memory is free: the loader's map, less everything that is in use or will be.
#pragma once

#include "boot/decode/multiboot2.hpp"
#include "kernel/smp/machine_description.hpp"
#include "kernel/smp/memory/early_frames.hpp"

namespace shoal::boot {

// Memory in use that the loader's map calls usable: bytes, not frames.
struct ByteRange {
    uint64_t start, end;
};

// Fills in what is free. Whole frames only: a partly usable one is not used, a partly used one is not free. Where ranges of
// the map overlap, the one that says "not usable" wins. Returns the number of usable bytes in the map.
uint64_t find_free_memory(const LoaderInformation& loader, smp::EarlyFrames& frames);

// Keeps from drivers every frame that is usable memory in part, or where it does not lie in such memory, the kernel's image or a module.
// Everything, where the loader's map was too long to be read to its end.
void keep_memory(const LoaderInformation& loader, smp::MachineDescription& machine);
// Likewise the registers that the kernel drives: local APICs, I/O APICs, the HPET.
void keep_devices(smp::MachineDescription& machine);

// Takes what is in use out of what is free.
void reserve_bytes(smp::EarlyFrames& frames, ByteRange range);

}  // namespace shoal::boot
