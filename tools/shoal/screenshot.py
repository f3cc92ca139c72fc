"""Reads a screenshot (portable pixmap, P6) and tells whether there is text on it."""
import re
from dataclasses import dataclass
from pathlib import Path

_HEADER = re.compile(rb"P6\s+(\d+)\s+(\d+)\s+255\s")


@dataclass(frozen=True)
class Screenshot:
    width: int
    height: int
    pixels: bytes  # three bytes a pixel, rows from the top

    def lit_share(self, threshold: int = 96) -> float:
        """Share of bright pixels: text on black is 1 to 20 %, a blank screen 0, a filled one near 1."""
        lit = sum(1 for i in range(0, len(self.pixels), 3) if max(self.pixels[i:i + 3]) > threshold)
        return lit / (self.width * self.height)


def read_pixmap(file: Path) -> Screenshot:
    """Raises ValueError for anything but a complete 8-bit P6 file."""
    data = file.read_bytes()
    header = _HEADER.match(data)
    if not header:
        raise ValueError(f"{file.name} is not an 8-bit P6 pixmap")
    width, height = int(header[1]), int(header[2])
    pixels = data[header.end():]
    if len(pixels) != width * height * 3:
        raise ValueError(f"{file.name} is cut off")
    return Screenshot(width, height, pixels)
