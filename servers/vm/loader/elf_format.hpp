// What Shoal reads of an ELF64 file (System V ABI, edition 4.1, chapter 4; AMD64 supplement).
#pragma once

#include <cstdint>

namespace shoal::vm {

struct ElfHeader {
    uint8_t identification[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t header_bytes, program_header_bytes, program_header_count;
    uint16_t section_header_bytes, section_header_count, section_names;

    static constexpr uint16_t kExecutable = 2, kX86_64 = 62;
};
static_assert(sizeof(ElfHeader) == 64);

struct ElfSegment {
    uint32_t type, flags;
    uint64_t offset, address, physical_address, file_bytes, memory_bytes, alignment;

    static constexpr uint32_t kLoad = 1, kDynamic = 2, kInterpreter = 3, kTls = 7;
    static constexpr uint32_t kExecute = 1, kWrite = 2, kRead = 4;
};
static_assert(sizeof(ElfSegment) == 56);

}  // namespace shoal::vm
