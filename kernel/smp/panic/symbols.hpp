// The kernel's symbol table, which the second link adds to the image (boot/image/make_symbols.py).
#pragma once

#include <cstdint>

namespace shoal::smp {

struct Symbol {
    const char* name;  // nullptr: not in the kernel's code
    uint64_t offset;   // from the function's start [bytes]
};

Symbol find_symbol(uint64_t address);

bool in_kernel_code(uint64_t address);

}  // namespace shoal::smp
