// The glyphs of printable ASCII, 8 x 16 pixels, a byte a line, leftmost pixel in the highest bit.
#pragma once

#include <cstdint>

namespace shoal::smp::console {

inline constexpr uint32_t kGlyphWidth = 8, kGlyphHeight = 16;

// kGlyphHeight lines; a blank for what has no glyph.
const uint8_t* glyph_of(char character);

}  // namespace shoal::smp::console
