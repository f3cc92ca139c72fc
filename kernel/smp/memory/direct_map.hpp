// The kernel's view of physical memory: all RAM at kDirectMapBase + physical address, writable, never executable, with the
// largest pages that fit. Built on the boot CPU; all CPUs share its tables.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "kernel/smp/memory/early_frames.hpp"

namespace shoal::smp::memory {

inline constexpr uint64_t kDirectMapBase = 0xffff'8000'0000'0000;
// PML4[511], PDPT[510]; PDPT[511] is each CPU's own.
inline constexpr uint64_t kKernelBase = 0xffff'ffff'8000'0000;

template <typename T = void>
T* direct(PhysicalAddress address) {
    return reinterpret_cast<T*>(kDirectMapBase + address.raw());
}
inline PhysicalAddress physical(const void* pointer) {
    return PhysicalAddress{reinterpret_cast<uint64_t>(pointer) - kDirectMapBase};
}
// Of an object in the kernel image, code included.
inline PhysicalAddress physical_of_image(const void* pointer) {
    return PhysicalAddress{reinterpret_cast<uint64_t>(pointer) - kKernelBase};
}

// From boot: whose tables map_device() adds to. frames must outlive the last map_device().
void set_kernel_root(PhysicalAddress root, EarlyFrames& frames);

// Maps a device's registers uncached (UC-: write combining where an MTRR says so) at their place in the direct map, and
// returns where. On the boot CPU, and seen by all CPUs whose areas are made from the same kernel root; devices at 512 GiB
// and above only before the first such area is made. Mapping the same again is harmless.
volatile void* map_device(PhysicalAddress start, uint64_t bytes);

}  // namespace shoal::smp::memory
