// A small executable, for tests that spoil it or load it.
#pragma once

#include <cstring>
#include <vector>

#include "servers/vm/loader/elf_format.hpp"

namespace shoal::vm::test {

struct File {
    ElfHeader header{};
    ElfSegment segments[40] = {};
    uint64_t bytes = 0x6000;
};

inline File good_file() {
    File file;
    const uint8_t identification[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    memcpy(file.header.identification, identification, sizeof identification);
    file.header.type = 2, file.header.machine = 62, file.header.version = 1;
    file.header.entry = 0x401010, file.header.program_headers = 64;
    file.header.header_bytes = 64, file.header.program_header_bytes = 56, file.header.program_header_count = 3;
    file.segments[0] = {1, ElfSegment::kRead, 0, 0x400000, 0, 0x1000, 0x1000, 0x1000};
    file.segments[1] = {1, ElfSegment::kRead | ElfSegment::kExecute, 0x1000, 0x401000, 0, 0x2345, 0x2345, 0x1000};
    file.segments[2] = {1, ElfSegment::kRead | ElfSegment::kWrite, 0x4010, 0x405010, 0, 0x100, 0x5000, 0x1000};
    return file;
}

// As it lies on a disk: headers, and words that tell their place.
inline std::vector<uint64_t> contents_of(const File& file) {
    std::vector<uint64_t> words(file.bytes / sizeof(uint64_t));
    for (size_t i = 0; i < words.size(); ++i) words[i] = i * 0x0101010101;
    memcpy(words.data(), &file.header, sizeof file.header);
    memcpy(reinterpret_cast<char*>(words.data()) + sizeof file.header, file.segments, 3 * sizeof(ElfSegment));
    return words;
}

}  // namespace shoal::vm::test
