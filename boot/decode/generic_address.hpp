// ACPI's Generic Address Structure (ACPI 6.4, 5.2.3.2).
#pragma once

#include "boot/decode/byte_view.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::boot {

inline constexpr size_t kGenericAddressBytes = 12;

// access_bytes: taken where the structure leaves the access size open. None for other spaces than memory and ports.
smp::RegisterAddress decode_generic_address(ByteView structure, uint8_t access_bytes);

}  // namespace shoal::boot
