#include "servers/vm/loader/elf_image.hpp"

namespace shoal::vm {

const char* elf_reason_text(ElfReason reason) {
    switch (reason) {
#define SHOAL_ELF_TEXT(name, text) \
    case ElfReason::name: return text;
        SHOAL_ELF_REASONS(SHOAL_ELF_TEXT)
#undef SHOAL_ELF_TEXT
    }
    return "unknown reason";
}

namespace {

bool inside(uint64_t offset, uint64_t bytes, uint64_t file_bytes) {
    return offset <= file_bytes && bytes <= file_bytes - offset;
}

ElfReason access_of(uint32_t flags, Access& access) {
    const bool write = (flags & ElfSegment::kWrite) != 0, execute = (flags & ElfSegment::kExecute) != 0;
    if (write && execute) return ElfReason::WriteExecute;
    if (!write && !execute && (flags & ElfSegment::kRead) == 0) return ElfReason::Unreadable;
    access = write ? Access::read_write() : execute ? Access::read_execute() : Access::read();
    return ElfReason::None;
}

}  // namespace

ElfReason ElfImage::check_header(const ElfHeader& header, uint64_t file_bytes) {
    const uint8_t* id = header.identification;
    if (file_bytes < sizeof(ElfHeader)) return ElfReason::TooShort;
    if (id[0] != 0x7f || id[1] != 'E' || id[2] != 'L' || id[3] != 'F') return ElfReason::Magic;
    if (id[4] != 2) return ElfReason::Class;
    if (id[5] != 1) return ElfReason::ByteOrder;
    if (id[6] != 1 || header.version != 1) return ElfReason::Version;
    if (header.machine != ElfHeader::kX86_64) return ElfReason::Machine;
    if (header.type != ElfHeader::kExecutable) return ElfReason::Type;
    if (header.header_bytes != sizeof(ElfHeader) || header.program_header_bytes != sizeof(ElfSegment))
        return ElfReason::HeaderSize;
    if (header.program_header_count == 0) return ElfReason::NoHeaders;
    if (header.program_header_count > kMaxHeaders) return ElfReason::TooManyHeaders;
    if (!inside(header.program_headers, header.program_header_count * sizeof(ElfSegment), file_bytes))
        return ElfReason::HeadersOutside;
    return ElfReason::None;
}

ElfReason ElfImage::add(const ElfSegment& segment, uint64_t file_bytes) {
    Access access;
    if (const ElfReason reason = access_of(segment.flags, access); reason != ElfReason::None) return reason;
    if (segment.file_bytes > segment.memory_bytes) return ElfReason::SegmentLarger;
    if (!inside(segment.offset, segment.file_bytes, file_bytes)) return ElfReason::SegmentOutsideFile;
    if (segment.memory_bytes > ~uint64_t{0} - segment.address) return ElfReason::SegmentWraps;
    const VirtualAddress start{segment.address}, end{segment.address + segment.memory_bytes};
    if (start < kLowest || end > kHighest) return ElfReason::SegmentOutsideSpace;
    if (segment.file_bytes > 0 && start.page_offset() != (segment.offset & (kPageSize - 1)))
        return ElfReason::SegmentAlignment;
    const VirtualRange pages{start.page_down(), (end + (kPageSize - 1)).page_down()};
    // Two segments with different rights cannot share a page; a linker that separates code puts each on its own.
    if (count_ > 0 && pages.start < segments_[count_ - 1].pages.end) return ElfReason::SegmentOrder;
    segments_[count_++] = {pages, start, segment.offset, segment.file_bytes, segment.memory_bytes, access};
    return ElfReason::None;
}

ElfReason ElfImage::check_segments(const ElfHeader& header, const ElfSegment* segments, uint64_t file_bytes) {
    for (unsigned i = 0; i < header.program_header_count; ++i) {
        const ElfSegment& segment = segments[i];
        if (segment.type == ElfSegment::kInterpreter || segment.type == ElfSegment::kDynamic) return ElfReason::Interpreter;
        if (segment.type != ElfSegment::kLoad || segment.memory_bytes == 0) continue;
        if (const ElfReason reason = add(segment, file_bytes); reason != ElfReason::None) return reason;
    }
    if (count_ == 0) return ElfReason::NoSegments;
    entry_ = VirtualAddress{header.entry};
    header_count_ = header.program_header_count;
    bool enters_text = false;
    for (unsigned i = 0; i < count_; ++i) {
        const ImageSegment& s = segments_[i];
        enters_text = enters_text || (s.access.executes() && entry_ >= s.start && entry_ - s.start < s.memory_bytes);
        const uint64_t headers_end = header.program_headers + header_count_ * sizeof(ElfSegment);
        if (s.offset <= header.program_headers && headers_end <= s.offset + s.file_bytes)
            headers_at_ = s.start + (header.program_headers - s.offset);
    }
    return enters_text ? ElfReason::None : ElfReason::Entry;
}

}  // namespace shoal::vm
