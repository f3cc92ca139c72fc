// As much of the ELF64 format as the library needs to find its own thread-local segment (System V gABI, chapters 4 and 5).
#pragma once

#include <cstdint>

namespace shoal::libc {

struct ElfHeader {
    unsigned char ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t header_bytes, program_header_bytes, program_header_count;
    uint16_t section_header_bytes, section_header_count, section_names;
};
static_assert(sizeof(ElfHeader) == 64);

struct ElfProgramHeader {
    static constexpr uint32_t kTls = 7;
    uint32_t type, flags;
    uint64_t offset, address, physical_address, file_bytes, memory_bytes, alignment;
};
static_assert(sizeof(ElfProgramHeader) == 56);

}  // namespace shoal::libc
