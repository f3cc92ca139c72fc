"""Reads the text on a screenshot of the framebuffer console with the kernel's own font."""
import functools
import re

from . import project
from .screenshot import Screenshot

FONT_SOURCE = project.ROOT / "kernel" / "smp" / "console" / "font.cpp"
CELL_WIDTH, CELL_HEIGHT = 8, 16
_DRAWING = re.compile(r"\{\{((?:0x[0-9a-fA-F]+,?\s*){8})\}\}")

Font = dict[tuple[int, ...], str]  # eight lines of dots -> character


@functools.cache
def kernel_font() -> Font:
    """The drawings of printable ASCII in the kernel's source."""
    return parse_font(FONT_SOURCE.read_text())


def parse_font(source: str) -> Font:
    drawings = [tuple(int(word, 16) for word in re.findall(r"0x[0-9a-fA-F]+", match)) for match in _DRAWING.findall(source)]
    if len(drawings) != ord("~") - ord(" ") + 1:
        raise ValueError(f"the font has {len(drawings)} drawings, expected one for each printable ASCII character")
    return {_flush_right(drawing): chr(ord(" ") + number) for number, drawing in enumerate(drawings)}


def read_text(screen: Screenshot, font: Font) -> list[str]:
    """The screen's lines; a cell that is no glyph of the font reads as '\\ufffd'."""
    columns, rows = screen.width // CELL_WIDTH, screen.height // CELL_HEIGHT
    return ["".join(_character(screen, font, row, column) for column in range(columns)).rstrip() for row in range(rows)]


def _character(screen: Screenshot, font: Font, row: int, column: int) -> str:
    """Each dot of a drawing is two lines high."""
    lines = []
    for line in range(0, CELL_HEIGHT, 2):
        start = ((row * CELL_HEIGHT + line) * screen.width + column * CELL_WIDTH) * 3
        dots = screen.pixels[start:start + CELL_WIDTH * 3]
        lines.append(sum(1 << (CELL_WIDTH - 1 - x) for x in range(CELL_WIDTH) if dots[x * 3] > 96))
    return font.get(_flush_right(tuple(lines)), "\ufffd")


def _flush_right(lines: tuple[int, ...]) -> tuple[int, ...]:
    """Moved so that the rightmost dot is in bit 0: where in the cell a drawing sits does not matter."""
    used = functools.reduce(lambda a, b: a | b, lines)
    if not used:
        return lines
    shift = (used & -used).bit_length() - 1
    return tuple(line >> shift for line in lines)
