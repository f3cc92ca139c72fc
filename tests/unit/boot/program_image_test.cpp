#include "kernel/smp/window/program_image.hpp"

#include <gtest/gtest.h>

#include "abi/boot_info.hpp"
#include "tests/unit/boot/bytes.hpp"

namespace shoal::smp {
namespace {

using boot::test::Bytes;

constexpr VirtualRange kAllowed{VirtualAddress{kPageSize}, VirtualAddress{kBootInfoAddress}};
constexpr uint32_t kRead = 4, kWrite = 2, kExecute = 1;

struct Load {
    uint64_t address, file_bytes, memory_bytes;
    uint32_t flags;
    uint32_t type = 1;
};

Bytes program(std::initializer_list<Load> loads, uint64_t entry = 0x401010) {
    Bytes file;
    file.put(uint8_t{0x7f}).text("ELF").put(uint8_t{2}).put(uint8_t{1}).put(uint8_t{1}).zeros(9);
    file.put(uint16_t{2}).put(uint16_t{62}).put(uint32_t{1}).put(entry).put(uint64_t{64}).put(uint64_t{0});
    file.put(uint32_t{0}).put(uint16_t{64}).put(uint16_t{56}).put(static_cast<uint16_t>(loads.size())).zeros(6);
    for (const Load& load : loads)
        file.put(load.type).put(load.flags).put(uint64_t{0x200}).put(load.address).put(load.address)
            .put(load.file_bytes).put(load.memory_bytes).put(uint64_t{4096});
    return file.zeros(0x400);
}

Bytes good_program() {
    return program({{0x400000, 0x100, 0x100, kRead}, {0x401000, 0x100, 0x100, kRead | kExecute},
                    {0x402800, 0x10, 0x3000, kRead | kWrite}});
}

const char* decode(const Bytes& file, ProgramImage& out) { return decode_program(file.data(), kAllowed, out); }

bool refused(const Bytes& file) {
    ProgramImage image;
    return decode(file, image) != nullptr;
}

TEST(ProgramImage, ReadsSegments) {
    ProgramImage image;
    ASSERT_EQ(decode(good_program(), image), nullptr);
    EXPECT_EQ(image.entry.raw(), 0x401010u);
    ASSERT_EQ(image.segment_count, 3u);
    EXPECT_EQ(image.segments[1].rights, SegmentRights::ReadExecute);
    EXPECT_EQ(image.segments[2].rights, SegmentRights::ReadWrite);
    EXPECT_EQ(image.segments[2].pages().start.raw(), 0x402000u);
    EXPECT_EQ(image.segments[2].pages().end.raw(), 0x406000u);
}

TEST(ProgramImage, RefusesWhatIsNoStaticProgramForThisMachine) {
    EXPECT_TRUE(refused(good_program().set(0, uint8_t{0})));
    EXPECT_TRUE(refused(good_program().set(4, uint8_t{1})));    // 32 bits
    EXPECT_TRUE(refused(good_program().set(16, uint16_t{3})));  // position-independent
    EXPECT_TRUE(refused(good_program().set(18, uint16_t{183})));
    EXPECT_TRUE(refused(good_program().set(54, uint16_t{32})));
    EXPECT_TRUE(refused(program({{0x401000, 0x100, 0x100, kExecute}, {0x500000, 8, 8, kRead, 3}})));
}

TEST(ProgramImage, RefusesSegmentsThatCannotBe) {
    const Load code{0x401000, 0x100, 0x100, kRead | kExecute};
    EXPECT_FALSE(refused(program({code})));
    EXPECT_TRUE(refused(program({code, {0x403000, 0x10, 0x10, kWrite | kExecute}})));
    EXPECT_TRUE(refused(program({code, {0x401800, 0x10, 0x10, kWrite}})));             // shares a page
    EXPECT_TRUE(refused(program({code, {0x400000, 0x10, 0x10, kRead}})));              // does not ascend
    EXPECT_TRUE(refused(program({code, {0x403000, 0x20, 0x10, kRead}})));              // shrinks
    EXPECT_TRUE(refused(program({code, {0x403000, 0x10000, 0x10000, kRead}})));        // beyond the file
    EXPECT_TRUE(refused(program({code, {0x403000, 0, ~0ull, kWrite}})));               // wraps
    EXPECT_TRUE(refused(program({code, {kBootInfoAddress - 4096, 0, 8192, kWrite}})));  // into the boot information
    EXPECT_TRUE(refused(program({{0, 0x10, 0x10, kRead}, code})));                     // the null page
    EXPECT_TRUE(refused(program({{0x403000, 0x10, 0x10, kRead}}, 0x403000)));          // entry not executable
}

TEST(ProgramImage, DamagedFilesAreReadWithinTheirBounds) {
    boot::test::with_damaged(good_program().data(), 50'000, boot::test::new_seed(), [](boot::ByteView bytes) {
        ProgramImage image;
        if (decode_program({bytes.data(), bytes.size()}, kAllowed, image) != nullptr) return;
        VirtualAddress last = kAllowed.start;
        for (uint32_t i = 0; i < image.segment_count; ++i) {
            const ProgramSegment& segment = image.segments[i];
            EXPECT_TRUE(bytes.has(segment.file_offset, segment.file_bytes));
            EXPECT_LE(segment.file_bytes, segment.memory_bytes);
            EXPECT_GE(segment.pages().start, last);
            last = segment.pages().end;
        }
        EXPECT_LE(last, kAllowed.end);
    });
}

}  // namespace
}  // namespace shoal::smp
