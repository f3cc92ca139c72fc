// ElfImage: the check of an executable before anything is mapped. What passes can be loaded without a further look at the
// file's numbers; what does not gets a reason.
#pragma once

#include "base/address.hpp"
#include "servers/vm/leaf/access.hpp"
#include "servers/vm/loader/elf_format.hpp"

namespace shoal::vm {

// Why a file is not loaded; the `reason` of the call load.
#define SHOAL_ELF_REASONS(REASON)                                                  \
    REASON(None, "loadable")                                                       \
    REASON(TooShort, "shorter than an ELF header")                                 \
    REASON(Magic, "not an ELF file")                                               \
    REASON(Class, "not 64-bit")                                                    \
    REASON(ByteOrder, "not little-endian")                                         \
    REASON(Version, "unknown ELF version")                                         \
    REASON(Machine, "not for x86-64")                                              \
    REASON(Type, "not a statically linked executable")                             \
    REASON(HeaderSize, "headers of an unexpected size")                            \
    REASON(NoHeaders, "no program headers")                                        \
    REASON(TooManyHeaders, "too many program headers")                             \
    REASON(HeadersOutside, "program headers outside the file")                     \
    REASON(Interpreter, "asks for an interpreter or dynamic linking")              \
    REASON(SegmentOutsideFile, "a segment's bytes lie outside the file")           \
    REASON(SegmentLarger, "a segment has more bytes in the file than in memory")   \
    REASON(SegmentWraps, "a segment's addresses wrap")                             \
    REASON(SegmentOutsideSpace, "a segment lies outside the addresses for images") \
    REASON(SegmentAlignment, "a segment's offset and address disagree within the page") \
    REASON(SegmentOrder, "segments overlap, share a page, or are not in order")    \
    REASON(WriteExecute, "a segment is both writable and executable")              \
    REASON(Unreadable, "a segment without any access")                             \
    REASON(NoSegments, "nothing to load")                                          \
    REASON(Entry, "the entry point lies outside executable segments")

enum class ElfReason : uint8_t {
#define SHOAL_ELF_ENUMERATOR(name, text) name,
    SHOAL_ELF_REASONS(SHOAL_ELF_ENUMERATOR)
#undef SHOAL_ELF_ENUMERATOR
};
const char* elf_reason_text(ElfReason reason);

// One segment to load, as checked.
struct ImageSegment {
    VirtualRange pages;       // whole pages
    VirtualAddress start;     // first byte
    uint64_t offset;          // of it in the file [bytes]
    uint64_t file_bytes;      // the rest up to the end of the pages is zero
    uint64_t memory_bytes;
    Access access;
};

class ElfImage {
  public:
    static constexpr unsigned kMaxHeaders = 32;
    // Where images may lie: above the null guard, below the addresses where maps are placed.
    static constexpr VirtualAddress kLowest{0x1'0000}, kHighest{uint64_t{1} << 40};

    // First the header alone. file_bytes: size of the whole file.
    ElfReason check_header(const ElfHeader& header, uint64_t file_bytes);
    // Then its program headers.
    ElfReason check_segments(const ElfHeader& header, const ElfSegment* segments, uint64_t file_bytes);

    [[nodiscard]] unsigned count() const { return count_; }
    [[nodiscard]] const ImageSegment& operator[](unsigned i) const { return segments_[i]; }
    [[nodiscard]] VirtualAddress entry() const { return entry_; }
    // First page border behind the image: where the heap begins.
    [[nodiscard]] VirtualAddress end() const { return segments_[count_ - 1].pages.end; }
    // Where the program headers lie in memory (AT_PHDR); 0: not loaded.
    [[nodiscard]] VirtualAddress headers_at() const { return headers_at_; }
    [[nodiscard]] unsigned header_count() const { return header_count_; }

  private:
    ElfReason add(const ElfSegment& segment, uint64_t file_bytes);

    ImageSegment segments_[kMaxHeaders] = {};
    unsigned count_ = 0, header_count_ = 0;
    VirtualAddress entry_, headers_at_;
};

}  // namespace shoal::vm
