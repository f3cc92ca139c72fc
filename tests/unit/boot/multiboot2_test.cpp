#include "boot/decode/multiboot2.hpp"

#include <gtest/gtest.h>

#include "tests/unit/boot/bytes.hpp"

namespace shoal::boot::test {
namespace {

class Information {
  public:
    Information& tag(uint32_t type, const Bytes& body) {
        tags_.align(8).put(type).put(static_cast<uint32_t>(8 + body.size())).append(body);
        return *this;
    }
    [[nodiscard]] Bytes finish() const {
        Bytes tags = tags_;
        tags.align(8).put(uint32_t{0}).put(uint32_t{8});
        Bytes whole;
        return whole.put(static_cast<uint32_t>(8 + tags.size())).put(uint32_t{0}).append(tags);
    }

  private:
    Bytes tags_;
};

Bytes memory_map(std::initializer_list<std::array<uint64_t, 3>> entries) {
    Bytes body;
    body.put(uint32_t{24}).put(uint32_t{0});
    for (const auto& [start, bytes, type] : entries)
        body.put(start).put(bytes).put(static_cast<uint32_t>(type)).put(uint32_t{0});
    return body;
}

Bytes efi_descriptor(uint32_t type, uint64_t start, uint64_t pages, uint64_t attributes) {
    Bytes entry;
    return entry.put(type).put(uint32_t{0}).put(start).put(uint64_t{0}).put(pages).put(attributes).zeros(8);
}

Bytes framebuffer(uint8_t type, uint32_t pitch, uint32_t width, uint32_t height, uint8_t depth) {
    Bytes body;
    body.put(uint64_t{0xfd000000}).put(pitch).put(width).put(height).put(depth).put(type).put(uint16_t{0});
    return body.put(uint8_t{16}).put(uint8_t{8}).put(uint8_t{8}).put(uint8_t{8}).put(uint8_t{0}).put(uint8_t{8});
}

Information everything() {
    Information information;
    Bytes module;
    module.put(uint32_t{0x200000}).put(uint32_t{0x203001}).text("vm first").put(uint8_t{0});
    Bytes efi;
    efi.put(uint32_t{48}).put(uint32_t{1});
    efi.append(efi_descriptor(7, 0x100000, 16, 0)).append(efi_descriptor(5, 0x700000, 2, 1ull << 63));
    return information.tag(1, Bytes{}.text("log=debug bench=faults").put(uint8_t{0}))
        .tag(3, module)
        .tag(6, memory_map({{0, 0x9f000, 1}, {0x100000, 0x1000000, 1}, {0x2000000, 0x1000, 3}, {0x3000000, 0x1000, 2}}))
        .tag(8, framebuffer(1, 4096, 1024, 768, 32))
        .tag(14, Bytes{}.text("RSD PTR old"))
        .tag(15, Bytes{}.text("RSD PTR new"))
        .tag(17, efi)
        .tag(99, Bytes{}.text("unknown"));
}

bool decode(const Bytes& bytes, LoaderInformation& out) {
    const Exact exact(bytes.data());
    return decode_loader_information(exact.view(), out);
}

TEST(Multiboot2, ReadsEveryTag) {
    LoaderInformation out;
    const Exact exact(everything().finish().data());
    ASSERT_TRUE(decode_loader_information(exact.view(), out));
    EXPECT_STREQ(out.command_line, "log=debug bench=faults");
    ASSERT_EQ(out.modules.count, 1u);
    EXPECT_STREQ(out.modules.items[0].name, "vm");
    EXPECT_EQ(out.modules.items[0].start, 0x200000u);
    EXPECT_EQ(out.modules.items[0].bytes, 0x3001u);
    EXPECT_EQ(out.framebuffer.width, 1024u);
    EXPECT_FALSE(out.framebuffer.text_mode);
    EXPECT_TRUE(out.from_efi);
    ASSERT_EQ(out.memory.count, 5u);  // four of the map, one of EFI's
    EXPECT_EQ(out.memory.items[2].kind, MemoryKind::AcpiTables);
    EXPECT_EQ(out.memory.items[3].kind, MemoryKind::Reserved);
    EXPECT_EQ(out.memory.items[4].start, 0x700000u);
    EXPECT_EQ(out.memory.items[4].bytes, 0x2000u);
}

TEST(Multiboot2, TakesTheNewRsdpInWhateverOrder) {
    for (const bool new_first : {true, false}) {
        Information information;
        information.tag(new_first ? 15 : 14, Bytes{}.text(new_first ? "new" : "old"));
        information.tag(new_first ? 14 : 15, Bytes{}.text(new_first ? "old" : "new"));
        LoaderInformation out;
        const Exact exact(information.finish().data());
        ASSERT_TRUE(decode_loader_information(exact.view(), out));
        EXPECT_TRUE(out.rsdp.starts_with("new"));
    }
}

TEST(Multiboot2, RuntimeServicesMemoryIsReservedWhateverItsType) {
    Bytes efi;
    efi.put(uint32_t{48}).put(uint32_t{1}).append(efi_descriptor(7, 0x5000, 1, 1ull << 63));
    LoaderInformation out;
    ASSERT_TRUE(decode(Information{}.tag(17, efi).finish(), out));
    ASSERT_EQ(out.memory.count, 1u);
    EXPECT_EQ(out.memory.items[0].kind, MemoryKind::Reserved);
}

TEST(Multiboot2, RefusesRangesThatWrap) {
    LoaderInformation out;
    ASSERT_TRUE(decode(Information{}.tag(6, memory_map({{~0ull - 100, 4096, 1}, {4096, 0, 1}})).finish(), out));
    EXPECT_EQ(out.memory.count, 0u);
}

TEST(Multiboot2, CutsALongCommandLineAndSaysSo) {
    LoaderInformation out;
    ASSERT_TRUE(decode(Information{}.tag(1, Bytes{}.text(std::string(2000, 'x')).put(uint8_t{0})).finish(), out));
    EXPECT_TRUE(out.command_line_cut);
    EXPECT_EQ(strlen(out.command_line), sizeof out.command_line - 1);
}

TEST(Multiboot2, DropsWhatDoesNotFitAndCountsIt) {
    Information information;
    Bytes map;
    map.put(uint32_t{24}).put(uint32_t{0});
    for (uint64_t i = 0; i < 300; ++i) map.put(i << 20).put(uint64_t{4096}).put(uint32_t{1}).put(uint32_t{0});
    LoaderInformation out;
    ASSERT_TRUE(decode(information.tag(6, map).finish(), out));
    EXPECT_EQ(out.memory.count, LoaderInformation::kMaxMemoryRanges);
    EXPECT_EQ(out.dropped, 300 - LoaderInformation::kMaxMemoryRanges);
}

TEST(Multiboot2, PassesOverFramebuffersThatCannotBeDrawnOn) {
    const Bytes bad[] = {framebuffer(0, 4096, 1024, 768, 32),  // palette
                         framebuffer(1, 100, 1024, 768, 32),   // lines overlap
                         framebuffer(1, 4096, 1024, 768, 8), framebuffer(1, 4096, 1024, 1u << 31, 32)};
    for (const Bytes& body : bad) {
        LoaderInformation out;
        ASSERT_TRUE(decode(Information{}.tag(8, body).finish(), out));
        EXPECT_FALSE(out.framebuffer.present());
    }
}

TEST(Multiboot2, RefusesListsWithoutAnEnd) {
    Bytes bytes = everything().finish();
    const auto total = static_cast<uint32_t>(bytes.size());
    bytes.set(0, total - 8);  // without the end tag
    LoaderInformation out;
    EXPECT_FALSE(decode(bytes, out));
    bytes.set(0, total).set(12, uint32_t{0});  // the first tag's size
    EXPECT_FALSE(decode(bytes, out));
}

TEST(Multiboot2, DamagedInformationIsReadWithinItsBounds) {
    with_damaged(everything().finish().data(), 50'000, new_seed(), [](ByteView bytes) {
        LoaderInformation out;
        decode_loader_information(bytes, out);
        EXPECT_LE(out.memory.count, LoaderInformation::kMaxMemoryRanges);
        for (const MemoryRange& range : out.memory) EXPECT_GT(range.end(), range.start);
    });
}

}  // namespace
}  // namespace shoal::boot::test
