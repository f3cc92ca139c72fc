#include "kernel/smp/console/framebuffer_text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "kernel/smp/console/font.hpp"
#include "tests/unit/smp/device_memory.hpp"

namespace shoal::smp::console::test {
namespace {

constexpr PhysicalAddress kScreen{0xfd00'0000};
constexpr uint32_t kColumns = 10, kRows = 3;

// A framebuffer with some bytes between its lines.
Framebuffer graphics(uint8_t bits) {
    const uint32_t width = kColumns * kGlyphWidth + 3, height = kRows * kGlyphHeight + 5;
    return {.start = kScreen, .pitch = width * ((bits + 7u) / 8) + 12, .width = width, .height = height, .bits_per_pixel = bits};
}

class Screen : public smp::test::DeviceMemory {
  public:
    explicit Screen(const Framebuffer& framebuffer)
        : DeviceMemory(kScreen, size_t{framebuffer.pitch} * framebuffer.height), framebuffer_(framebuffer) {
        text_.open(framebuffer);
    }
    [[nodiscard]] bool is_open() const { return text_.is_open(); }
    void write(const std::string& words) { text_.write(words.data(), words.size()); }

    // Whether each dot of the cell is as the font draws the character.
    [[nodiscard]] bool shows(uint32_t row, uint32_t column, char character) {
        const uint8_t* glyph = glyph_of(character);
        for (uint32_t y = 0; y < kGlyphHeight; ++y)
            for (uint32_t x = 0; x < kGlyphWidth; ++x)
                if (lit(column * kGlyphWidth + x, row * kGlyphHeight + y) != ((glyph[y] >> (7 - x) & 1) != 0)) return false;
        return true;
    }
    [[nodiscard]] bool shows(uint32_t row, const std::string& words) {
        for (uint32_t column = 0; column < kColumns; ++column)
            if (!shows(row, column, column < words.size() ? words[column] : ' ')) return false;
        return true;
    }
    // Bytes beside the picture stay as they were.
    [[nodiscard]] bool margins_are_dark() {
        for (uint32_t y = 0; y < framebuffer_.height; ++y)
            for (uint32_t x = framebuffer_.width * pixel_bytes(); x < framebuffer_.pitch; ++x)
                if (at(size_t{y} * framebuffer_.pitch + x) != 0) return false;
        return true;
    }

  private:
    [[nodiscard]] uint32_t pixel_bytes() const { return (framebuffer_.bits_per_pixel + 7u) / 8; }
    [[nodiscard]] bool lit(uint32_t x, uint32_t y) {
        return at(size_t{y} * framebuffer_.pitch + x * pixel_bytes()) != 0;
    }

    Framebuffer framebuffer_;
    FramebufferText text_;
};

TEST(FramebufferText, DrawsGlyphsInEveryDepth) {
    for (const auto bits : std::to_array<uint8_t>({15, 16, 24, 32})) {
        Screen screen(graphics(bits));
        screen.write("Shoal 0.1\nx\n");
        EXPECT_TRUE(screen.shows(0, "Shoal 0.1")) << unsigned{bits};
        EXPECT_TRUE(screen.shows(1, "x"));
        EXPECT_TRUE(screen.shows(2, ""));
        EXPECT_FALSE(screen.shows(0, "Shoal 0.2"));
        EXPECT_TRUE(screen.margins_are_dark());
    }
}

TEST(FramebufferText, BreaksLongLinesAndScrolls) {
    Screen screen(graphics(32));
    screen.write("abcdefghijKLM\n");
    EXPECT_TRUE(screen.shows(0, "abcdefghij"));
    EXPECT_TRUE(screen.shows(1, "KLM"));
    screen.write("two\nthree");
    EXPECT_TRUE(screen.shows(0, "KLM"));
    EXPECT_TRUE(screen.shows(1, "two"));
    EXPECT_TRUE(screen.shows(2, "three"));
    screen.write("\rT");
    EXPECT_TRUE(screen.shows(2, "Three"));
}

TEST(FramebufferText, EgaTextTakesCharactersAsTheyAre) {
    Screen screen({.start = kScreen, .pitch = 160, .width = 80, .height = 25, .bits_per_pixel = 16, .text_mode = true});
    screen.write("Shoal\n>");
    for (size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(screen.at(2 * i), "Shoal"[i]);
        EXPECT_EQ(screen.at(2 * i + 1), 0x07);
    }
    EXPECT_EQ(screen.at(160), '>');
    for (int line = 0; line < 25; ++line) screen.write("\n");
    EXPECT_EQ(screen.at(0), ' ');
}

TEST(FramebufferText, AScreenSmallerThanAGlyphIsNone) {
    Screen screen({.start = kScreen, .pitch = 28, .width = 7, .height = 40, .bits_per_pixel = 32});
    EXPECT_FALSE(screen.is_open());
}

}  // namespace
}  // namespace shoal::smp::console::test
