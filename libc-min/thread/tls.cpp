// Thread-local storage of a static program: variant II of Drepper, "ELF handling for thread-local storage" (2013), section 3.
#include "libc-min/include/string.h"
#include "libc-min/thread/thread_block.hpp"

namespace shoal::libc {

// The linker puts the variables at (block - memory_bytes rounded up to the alignment).
size_t TlsImage::bytes_below_block() const {
    const size_t step = alignment < 64 ? 64 : alignment;
    return (memory_bytes + step - 1) / step * step;
}

void TlsImage::initialize_below(ThreadBlock* block) const {
    if (memory_bytes == 0) return;
    const size_t rounded = (memory_bytes + alignment - 1) / alignment * alignment;
    char* variables = reinterpret_cast<char*>(block) - rounded;
    memcpy(variables, initial, file_bytes);
    memset(variables + file_bytes, 0, memory_bytes - file_bytes);
}

}  // namespace shoal::libc
