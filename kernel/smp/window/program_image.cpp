#include "kernel/smp/window/program_image.hpp"

#include <cstring>

namespace shoal::smp {
namespace {

struct FileHeader {
    uint8_t identification[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t header_bytes, program_header_bytes, program_header_count;
    uint16_t section_header_bytes, section_header_count, section_names;
};
static_assert(sizeof(FileHeader) == 64);

struct ProgramHeader {
    uint32_t type, flags;
    uint64_t offset, virtual_address, physical_address, file_bytes, memory_bytes, alignment;
};
static_assert(sizeof(ProgramHeader) == 56);

constexpr uint8_t kIdentification[] = {0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little-endian */, 1};
constexpr uint16_t kExecutable = 2, kX86_64 = 62;
constexpr uint32_t kLoad = 1, kInterpreter = 3, kFlagExecute = 1, kFlagWrite = 2;

bool within(uint64_t offset, uint64_t bytes, uint64_t size) {
    return offset <= size && bytes <= size - offset;
}

const char* check_header(std::span<const uint8_t> file, FileHeader& header) {
    if (file.size() < sizeof header) return "shorter than an ELF header";
    memcpy(&header, file.data(), sizeof header);
    if (memcmp(header.identification, kIdentification, sizeof kIdentification) != 0)
        return "no 64-bit little-endian ELF file";
    if (header.type != kExecutable || header.machine != kX86_64) return "no static x86-64 executable";
    if (header.program_header_bytes != sizeof(ProgramHeader)) return "program headers of unknown size";
    const uint64_t table = uint64_t{header.program_header_count} * sizeof(ProgramHeader);
    if (!within(header.program_headers, table, file.size())) return "program headers beyond its end";
    return nullptr;
}

const char* check_segment(const ProgramHeader& header, VirtualRange allowed, uint64_t file_size) {
    if (!within(header.offset, header.file_bytes, file_size)) return "a segment beyond its end";
    if (header.file_bytes > header.memory_bytes) return "a segment with more bytes in the file than in memory";
    const uint64_t span = allowed.size();
    if (header.virtual_address < allowed.start.raw() ||
        !within(header.virtual_address - allowed.start.raw(), header.memory_bytes, span - kPageSize))
        return "a segment outside of the addresses allowed";
    if ((header.flags & kFlagWrite) != 0 && (header.flags & kFlagExecute) != 0)
        return "a segment both writable and executable";
    return nullptr;
}

SegmentRights rights_of(uint32_t flags) {
    if ((flags & kFlagWrite) != 0) return SegmentRights::ReadWrite;
    return (flags & kFlagExecute) != 0 ? SegmentRights::ReadExecute : SegmentRights::Read;
}

const char* add_segment(const ProgramHeader& header, ProgramImage& out) {
    if (out.segment_count == ProgramImage::kMaxSegments) return "too many segments";
    const ProgramSegment segment{VirtualAddress{header.virtual_address}, header.memory_bytes, header.offset,
                                 header.file_bytes, rights_of(header.flags)};
    if (out.segment_count != 0 && segment.pages().start < out.segments[out.segment_count - 1].pages().end)
        return "segments that share a page or do not ascend";
    out.segments[out.segment_count++] = segment;
    return nullptr;
}

// The entry must be code, or the first instruction faults without anyone to serve the fault.
bool entry_is_code(const ProgramImage& image) {
    for (uint32_t i = 0; i < image.segment_count; ++i) {
        const ProgramSegment& segment = image.segments[i];
        if (segment.rights == SegmentRights::ReadExecute &&
            VirtualRange::of(segment.start, segment.memory_bytes).contains(image.entry))
            return true;
    }
    return false;
}

}  // namespace

const char* decode_program(std::span<const uint8_t> file, VirtualRange allowed, ProgramImage& out) {
    FileHeader header;
    if (const char* reason = check_header(file, header)) return reason;
    out = {};
    out.entry = VirtualAddress{header.entry};
    for (uint32_t i = 0; i < header.program_header_count; ++i) {
        ProgramHeader entry;
        memcpy(&entry, file.data() + header.program_headers + i * sizeof entry, sizeof entry);
        if (entry.type == kInterpreter) return "dynamically linked";
        if (entry.type != kLoad || entry.memory_bytes == 0) continue;
        if (const char* reason = check_segment(entry, allowed, file.size())) return reason;
        if (const char* reason = add_segment(entry, out)) return reason;
    }
    return entry_is_code(out) ? nullptr : "its entry lies in no executable segment";
}

}  // namespace shoal::smp
