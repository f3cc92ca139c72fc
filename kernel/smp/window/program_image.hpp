// VM's program as GRUB has loaded it: a static ELF64 executable for x86-64 (System V ABI, Object Files; AMD64 supplement).
// Decoded before anything of it is mapped. Every other program is loaded by VM.
#pragma once

#include <cstdint>
#include <span>

#include "base/address.hpp"

namespace shoal::smp {

enum class SegmentRights : uint8_t { Read, ReadWrite, ReadExecute };

struct ProgramSegment {
    VirtualAddress start;
    uint64_t memory_bytes;
    uint64_t file_offset, file_bytes;  // the rest of memory is zero
    SegmentRights rights;
    // The pages it lies in.
    [[nodiscard]] VirtualRange pages() const {
        return {start.page_down(), (start + memory_bytes + (kPageSize - 1)).page_down()};
    }
};

struct ProgramImage {
    static constexpr uint32_t kMaxSegments = 8;
    VirtualAddress entry;
    ProgramSegment segments[kMaxSegments];  // ascending, no page in two of them
    uint32_t segment_count = 0;
};

// Addresses must lie in [lowest, limit). nullptr: out is filled in; else what is wrong with the file, for a message.
const char* decode_program(std::span<const uint8_t> file, VirtualRange allowed, ProgramImage& out);

}  // namespace shoal::smp
