#include "tests/model/reference/image.hpp"

#include <algorithm>

namespace shoal::model {

namespace {

using vm::ElfSegment;

constexpr uint64_t kStackTop = kSlices - kLeafSize, kStackBytes = uint64_t{8} << 20;
constexpr uint64_t kMostArgumentBytes = 2048;

struct Extent {
    uint64_t start, end;
};

Extent pages_of(const ElfSegment& segment) {
    return {segment.address & ~uint64_t{kPageSize - 1}, round_up_to_pages(segment.address + segment.memory_bytes)};
}

template <typename Visit>
void for_each_segment(const Image& image, Visit visit) {
    for (const ElfSegment& segment : image.file.segments)
        if (segment.memory_bytes > 0) visit(segment);
}

uint64_t protection_of(const ElfSegment& segment) {
    if ((segment.flags & ElfSegment::kWrite) != 0) return kProtectRead | kProtectWrite;
    return (segment.flags & ElfSegment::kExecute) != 0 ? kProtectRead | kProtectExecute : uint64_t{kProtectRead};
}

// Byte for byte, and zeros where the segment has none of the file.
uint64_t word_at(const std::vector<uint64_t>& words, const ElfSegment& segment, uint64_t address) {
    uint64_t word = 0;
    for (unsigned i = 0; i < sizeof word; ++i) {
        const uint64_t byte = address + i - segment.address;
        if (address + i < segment.address || byte >= segment.file_bytes) continue;
        word |= (words[(segment.offset + byte) / sizeof word] >> (segment.offset + byte) % sizeof word * 8 & 0xff) << 8 * i;
    }
    return word;
}

// The argument's bytes end at the top.
uint64_t word_at_top(uint64_t bytes) {
    const uint64_t area = (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
    uint64_t word = 0;
    for (uint64_t i = area - std::min<uint64_t>(area, sizeof word); i < bytes; ++i)
        word |= uint64_t{static_cast<uint8_t>(argument_letter(i, bytes))} << i % sizeof word * 8;
    return word;
}

// Count, pointers, the ends of arguments and environment, six pairs of the auxiliary vector, strings; in units of 16 bytes.
uint64_t stack_pointer(const LoadFlags& arguments) {
    constexpr uint64_t kPairs = 6;
    const uint64_t words = 1 + arguments.arguments + 2 + 2 * kPairs + (arguments.bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
    return kStackTop - (words + words % 2) * sizeof(uint64_t);
}

void put_segment(ReferenceSpace& space, const std::vector<uint64_t>& words, const ElfSegment& segment) {
    Page page;
    page.protection = protection_of(segment);
    const Extent extent = pages_of(segment);
    for (uint64_t at = extent.start; at < extent.end; at += kPageSize) {
        page.contents = zeros();
        for (unsigned i = 0; i < kWordsUsed; ++i) (*page.contents)[i] = word_at(words, segment, at + kWordIndex[i] * sizeof(uint64_t));
        space.put(at, page);
    }
}

void put_stack(ReferenceSpace& space, uint64_t argument_bytes) {
    Page page;
    page.protection = kProtectRead | kProtectWrite;
    page.in_stack = true;
    for (uint64_t at = kStackTop - kStackBytes; at < kStackTop; at += kPageSize) {
        page.contents = zeros();
        page.guard = at == kStackTop - kStackBytes;
        space.put(at, page);
    }
    space.find(kStackTop - kPageSize)->contents->back() = word_at_top(argument_bytes);
}

}  // namespace

Error check_load(const ReferenceSpace& space, const Image& image, const LoadFlags& arguments) {
    if (image.reason != vm::ElfReason::None) return Error::BadExecutable;
    if (arguments.arguments != (arguments.bytes > 0 ? 1 : 0)) return Error::Invalid;
    bool free = space.is_free(kStackTop - kStackBytes, kStackBytes);
    for_each_segment(image, [&](const ElfSegment& segment) {
        const Extent extent = pages_of(segment);
        free = free && space.is_free(extent.start, extent.end - extent.start);
    });
    return free ? Error::None : Error::Exists;
}

Outcome load(ReferenceSpace& space, const Image& image, const LoadFlags& arguments) {
    static_assert(kMostArgumentBytes == LoadRequest::kMaxArgumentBytes);
    const std::vector<uint64_t> words = image.words();
    uint64_t end = 0;
    for_each_segment(image, [&](const ElfSegment& segment) {
        put_segment(space, words, segment);
        end = pages_of(segment).end;
    });
    put_stack(space, arguments.bytes);
    space.begin_heap(end);
    Outcome outcome;
    outcome.address = image.file.header.entry;
    outcome.value = stack_pointer(arguments);
    return outcome;
}

bool begins_like_image(const ReferenceSpace& space, uint64_t address) {
    constexpr uint32_t kMagic = 0x464c'457f;  // the first four bytes
    const Page* page = address % kPageSize == 0 ? space.find(address) : nullptr;
    return page != nullptr && static_cast<uint32_t>(page->contents->front()) == kMagic;
}

Outcome refuse_as_image(const ReferenceSpace& space, uint64_t address, uint64_t bytes) {
    if (bytes > kUserTop || address > kUserTop - bytes) return {Error::BadAddress};
    Outcome outcome{Error::BadExecutable};
    outcome.more = static_cast<uint64_t>(vm::ElfReason::TooShort);
    if (bytes < sizeof(vm::ElfHeader)) return outcome;
    const uint64_t last = address + sizeof(vm::ElfHeader) - 1;
    for (const uint64_t byte : {address, last}) {
        const Page* page = space.find(byte & ~uint64_t{kPageSize - 1});
        const bool readable = page != nullptr && !page->guard && allows(page->protection, Kind::Read) && page->type != RegionType::Direct;
        if (!readable) return {Error::BadAddress};
    }
    outcome.more = static_cast<uint64_t>(vm::ElfReason::Magic);
    return outcome;
}

}  // namespace shoal::model
