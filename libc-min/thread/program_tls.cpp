// Where the linker has put the first values of the program's thread-local variables.
#include "libc-min/thread/elf_header.hpp"
#include "libc-min/thread/thread_block.hpp"

// The ELF header of this very image; the linker defines it (it lies in the first loaded segment).
extern "C" const shoal::libc::ElfHeader __ehdr_start __attribute__((visibility("hidden")));

namespace shoal::libc {

TlsImage TlsImage::of_program() {
    const char* image = reinterpret_cast<const char*>(&__ehdr_start);
    const auto* headers =
        reinterpret_cast<const ElfProgramHeader*>(image + __ehdr_start.program_headers);
    for (unsigned i = 0; i < __ehdr_start.program_header_count; ++i) {
        const ElfProgramHeader& header = headers[i];
        if (header.type == ElfProgramHeader::kTls)
            return {reinterpret_cast<const char*>(header.address), header.file_bytes,
                    header.memory_bytes, header.alignment == 0 ? 1 : header.alignment};
    }
    return {nullptr, 0, 0, 1};
}

}  // namespace shoal::libc
