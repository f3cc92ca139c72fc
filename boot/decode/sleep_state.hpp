// The sleep types of state S5 (soft off), out of the DSDT's byte code without an interpreter for it.
//
// `Name (_S5, Package () {a, b, ...})` is written as NameOp, an optional root prefix, "_S5_", PackageOp, its length, the
// number of elements, and two constants (ACPI 6.4, 20.2; 7.4.2). Firmware computes this object nowhere that we know of.
#pragma once

#include "boot/decode/byte_view.hpp"

namespace shoal::boot {

struct SleepTypes {
    bool found = false;
    uint8_t a = 0, b = 0;  // 3 bits each, for PM1a and PM1b control
};

SleepTypes find_soft_off(ByteView dsdt);

}  // namespace shoal::boot
