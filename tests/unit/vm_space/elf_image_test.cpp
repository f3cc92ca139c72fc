// The check of executables: every malformed file is refused with its reason.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "servers/vm/loader/elf_image.hpp"
#include "tests/unit/vm_space/elf_file.hpp"

namespace shoal::vm::test {
namespace {

ElfReason check(const File& file) {
    ElfImage image;
    const ElfReason reason = image.check_header(file.header, file.bytes);
    return reason != ElfReason::None ? reason : image.check_segments(file.header, file.segments, file.bytes);
}

struct Case {
    ElfReason reason;
    std::function<void(File&)> spoil;
};

const Case kCases[] = {
    {ElfReason::TooShort, [](File& f) { f.bytes = 63; }},
    {ElfReason::Magic, [](File& f) { f.header.identification[1] = 'F'; }},
    {ElfReason::Class, [](File& f) { f.header.identification[4] = 1; }},
    {ElfReason::ByteOrder, [](File& f) { f.header.identification[5] = 2; }},
    {ElfReason::Version, [](File& f) { f.header.version = 2; }},
    {ElfReason::Machine, [](File& f) { f.header.machine = 3; }},
    {ElfReason::Type, [](File& f) { f.header.type = 3; }},
    {ElfReason::HeaderSize, [](File& f) { f.header.program_header_bytes = 32; }},
    {ElfReason::NoHeaders, [](File& f) { f.header.program_header_count = 0; }},
    {ElfReason::TooManyHeaders, [](File& f) { f.header.program_header_count = 33; }},
    {ElfReason::HeadersOutside, [](File& f) { f.header.program_headers = ~uint64_t{0} - 8; }},
    {ElfReason::Interpreter, [](File& f) { f.segments[0].type = 3; }},
    {ElfReason::SegmentOutsideFile, [](File& f) { f.segments[1].offset = ~uint64_t{0} - 0xfff; }},
    {ElfReason::SegmentLarger, [](File& f) { f.segments[1].memory_bytes = 1; }},
    {ElfReason::SegmentWraps, [](File& f) { f.segments[2].address = ~uint64_t{0} - 0xfef; }},
    {ElfReason::SegmentOutsideSpace, [](File& f) { f.segments[2].address = uint64_t{1} << 45 | 0x10; }},
    {ElfReason::SegmentOutsideSpace, [](File& f) { f.segments[0].address = 0; }},
    {ElfReason::SegmentAlignment, [](File& f) { f.segments[2].address += 8; }},
    {ElfReason::SegmentOrder, [](File& f) { f.segments[1].address = 0x400000; }},
    {ElfReason::WriteExecute, [](File& f) { f.segments[2].flags = 7; }},
    {ElfReason::Unreadable, [](File& f) { f.segments[2].flags = 0; }},
    {ElfReason::NoSegments, [](File& f) { for (ElfSegment& s : f.segments) s.type = 4; }},
    {ElfReason::Entry, [](File& f) { f.header.entry = 0x405010; }},
    {ElfReason::Entry, [](File& f) { f.header.entry = 0x401000 + 0x2345; }},
};

TEST(ElfImage, AcceptsAGoodFile) { EXPECT_EQ(check(good_file()), ElfReason::None); }

TEST(ElfImage, RefusesEachFaultWithItsReason) {
    for (const Case& test : kCases) {
        File file = good_file();
        test.spoil(file);
        EXPECT_STREQ(elf_reason_text(check(file)), elf_reason_text(test.reason));
    }
}

TEST(ElfImage, WhateverPassesIsSafeToLoad) {
    const unsigned seed = 4711;
    std::mt19937_64 random(seed);
    SCOPED_TRACE(seed);
    for (unsigned round = 0; round < 200000; ++round) {
        File file = good_file();
        auto* bytes = reinterpret_cast<unsigned char*>(&file);
        for (unsigned i = 0; i < 1 + random() % 4; ++i) bytes[random() % (64 + 3 * 56)] = static_cast<unsigned char>(random());
        ElfImage image;
        if (image.check_header(file.header, file.bytes) != ElfReason::None) continue;
        if (image.check_segments(file.header, file.segments, file.bytes) != ElfReason::None) continue;
        for (unsigned i = 0; i < image.count(); ++i) {
            const ImageSegment& segment = image[i];
            ASSERT_LE(segment.offset + segment.file_bytes, file.bytes);
            ASSERT_LE(segment.pages.end, ElfImage::kHighest + kPageSize);
            ASSERT_FALSE(segment.access.writes() && segment.access.executes());
            ASSERT_TRUE(i == 0 || segment.pages.start >= image[i - 1].pages.end);
        }
    }
}

}  // namespace
}  // namespace shoal::vm::test
