#include "kernel/smp/console/framebuffer_text.hpp"

#include "kernel/smp/console/font.hpp"
#include "kernel/smp/memory/direct_map.hpp"

namespace shoal::smp::console {
namespace {

constexpr uint32_t kTextCellBytes = 2;
constexpr uint8_t kGreyOnBlack = 0x07;

uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

}  // namespace

void FramebufferText::open(const Framebuffer& framebuffer) {
    framebuffer_ = framebuffer;
    const bool text = framebuffer.text_mode;
    columns_ = smaller(text ? framebuffer.width : framebuffer.width / kGlyphWidth, kMaxColumns);
    rows_ = smaller(text ? framebuffer.height : framebuffer.height / kGlyphHeight, kMaxRows);
    if (columns_ == 0 || rows_ == 0) return;
    const uint64_t bytes = uint64_t{framebuffer.pitch} * framebuffer.height;
    pixels_ = static_cast<volatile uint8_t*>(memory::map_device(framebuffer.start, bytes));
    for (uint64_t i = 0; i < bytes; ++i) pixels_[i] = 0;
}

void FramebufferText::write(const char* text, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; ++i) put(text[i]);
}

void FramebufferText::put(char character) {
    if (character == '\n') return new_line();
    if (character == '\r') {
        column_ = 0;
        return;
    }
    if (column_ == columns_) new_line();
    show(row_, column_++, character);
}

void FramebufferText::new_line() {
    column_ = 0;
    if (row_ + 1 < rows_) {
        ++row_;
        return;
    }
    for (uint32_t row = 0; row + 1 < rows_; ++row)
        for (uint32_t column = 0; column < columns_; ++column)
            show(row, column, cells_[row + 1][column]);
    for (uint32_t column = 0; column < columns_; ++column) show(rows_ - 1, column, 0);
}

void FramebufferText::show(uint32_t row, uint32_t column, char character) {
    if (cells_[row][column] == character) return;
    cells_[row][column] = character;
    if (!framebuffer_.text_mode) return paint_glyph(row, column, character);
    volatile uint8_t* cell = pixels_ + uint64_t{row} * framebuffer_.pitch + column * kTextCellBytes;
    cell[0] = static_cast<uint8_t>(character == 0 ? ' ' : character);
    cell[1] = kGreyOnBlack;
}

void FramebufferText::paint_glyph(uint32_t row, uint32_t column, char character) {
    const uint32_t pixel_bytes = (framebuffer_.bits_per_pixel + 7u) / 8;
    const uint8_t* glyph = glyph_of(character);
    for (uint32_t y = 0; y < kGlyphHeight; ++y) {
        volatile uint8_t* line = pixels_ + (uint64_t{row} * kGlyphHeight + y) * framebuffer_.pitch +
                                 uint64_t{column} * kGlyphWidth * pixel_bytes;
        for (uint32_t x = 0; x < kGlyphWidth; ++x)
            store_pixel(line + x * pixel_bytes, (glyph[y] >> (kGlyphWidth - 1 - x) & 1) != 0);
    }
}

void FramebufferText::store_pixel(volatile uint8_t* at, bool lit) {
    if (framebuffer_.bits_per_pixel == 32) {
        *reinterpret_cast<volatile uint32_t*>(at) = lit ? 0x00ff'ffff : 0;
        return;
    }
    for (uint32_t i = 0; i < (framebuffer_.bits_per_pixel + 7u) / 8; ++i) at[i] = lit ? 0xff : 0;
}

}  // namespace shoal::smp::console
