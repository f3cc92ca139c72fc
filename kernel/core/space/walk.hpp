// The software page walk: what the CPU's own walker would find at a user address (SDM vol. 3A, 4.5 and 4.6).
#pragma once

#include "kernel/core/space/page_table.hpp"

namespace shoal::kernel::space {

enum class Access : uint8_t { Read, Write };

struct Translation {
    enum class Outcome : uint8_t {
        Mapped,
        Absent,     // no entry, or one that forbids the write: VM's to say
        Violation,  // not a user address, a page of the kernel, or a device's, which we do not see: nobody can help
    };
    Outcome outcome = Outcome::Absent;
    uint64_t fault_flags = 0;   // Absent: FaultFlags as the CPU would report them
    PhysicalAddress address;    // Mapped: of the byte
};

// root: of this CPU, 0: none. The result holds until the caller lets interrupts in or ends its visit (CpuSpaces).
// Accessed and dirty bits are left alone: VM does not use them.
Translation walk(PhysicalAddress root, VirtualAddress address, Access access);

}  // namespace shoal::kernel::space
