// Text on the framebuffer that GRUB has set up: 8 x 16 glyphs, or the cells of EGA text mode. Scrolls by repainting the cells
// that differ, since reading a framebuffer is slow. White on black; no cursor.
#pragma once

#include <cstdint>

#include "kernel/smp/machine_description.hpp"

namespace shoal::smp::console {

class FramebufferText {
  public:
    static constexpr uint32_t kMaxColumns = 256, kMaxRows = 128;

    // The framebuffer gets mapped; needs the kernel's own page tables (memory::map_device).
    void open(const Framebuffer& framebuffer);
    [[nodiscard]] bool is_open() const { return pixels_ != nullptr; }
    void write(const char* text, uint64_t bytes);

  private:
    void put(char character);
    void new_line();
    void show(uint32_t row, uint32_t column, char character);
    void paint_glyph(uint32_t row, uint32_t column, char character);
    void store_pixel(volatile uint8_t* at, bool lit);

    Framebuffer framebuffer_{};
    volatile uint8_t* pixels_ = nullptr;
    uint32_t columns_ = 0, rows_ = 0;
    uint32_t row_ = 0, column_ = 0;
    char cells_[kMaxRows][kMaxColumns] = {};  // what is shown; 0: blank
};

}  // namespace shoal::smp::console
