// The tables that tell one thing each: HPET (IA-PC HPET 1.0a, 3.2.4) and SPCR (Microsoft's Serial Port Console Redirection
// Table, revision 4).
#pragma once

#include "boot/decode/byte_view.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::boot {

// Where the HPET's registers are; 0 where they are not in memory.
PhysicalAddress decode_hpet(ByteView hpet);

// The 16550 that the firmware's console uses, at I/O ports or in memory; absent for every other kind of port.
smp::SerialPort decode_spcr(ByteView spcr);

}  // namespace shoal::boot
