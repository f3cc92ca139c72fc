"""Functions and objects of the kernel and of the image's programs, by address."""
import bisect
import re
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .. import project
from ..errors import ShoalError

_LOAD = 1       # of program headers: a segment that is loaded
KERNEL = "kernel"
_CODE, _DATA = "tTwW", "bBdDrRvV"


@dataclass(frozen=True)
class Symbol:
    start: int
    size: int
    name: str


class Image:
    """One linked program: its loaded bytes and its symbols."""

    def __init__(self, name: str, file: Path):
        self.name = name
        self._segments = _segments(file.read_bytes())
        self._code, self._data = _symbols(file)
        self._starts = {id(table): [symbol.start for symbol in table] for table in (self._code, self._data)}

    def holds(self, address: int, code: bytes) -> bool:
        """Whether these bytes stand at this address."""
        return any(start <= address and data[address - start:address - start + len(code)] == code for start, data in self._segments)

    def function(self, address: int) -> str | None:
        symbol = self._find(self._code, address)
        return symbol.name if symbol else None

    def address(self, name: str) -> int | None:
        """Of an object."""
        return next((symbol.start for symbol in self._data if symbol.name == name), None)

    def data(self, address: int) -> str | None:
        """Object and offset in it."""
        symbol = self._find(self._data, address)
        if symbol is None:
            return None
        return symbol.name + (f"+{address - symbol.start:#x}" if address > symbol.start else "")

    def _find(self, table: list[Symbol], address: int) -> Symbol | None:
        place = bisect.bisect_right(self._starts[id(table)], address) - 1
        if place < 0:
            return None
        symbol = table[place]
        # Assembly has symbols without a size: they reach to the next one.
        end = symbol.start + symbol.size if symbol.size else table[place + 1].start if place + 1 < len(table) else symbol.start + 1
        return symbol if address < end else None


class Images:
    """The kernel and all programs. Programs share addresses: which one a piece of code belongs to is told by its bytes."""

    def __init__(self, images: dict[str, Image]):
        self._images = images

    def of_code(self, address: int, code: bytes) -> Image | None:
        if is_kernel(address):
            return self._images.get(KERNEL)
        matching = [image for name, image in self._images.items() if name != KERNEL and image.holds(address, code)]
        return matching[0] if matching else None

    def kernel(self) -> Image | None:
        return self._images.get(KERNEL)


def is_kernel(address: int) -> bool:
    return address >> 63 == 1


def load(debug: bool = False) -> Images:
    """Of the image that is built."""
    folder = project.BUILD / project.guest_preset(debug)
    files = {KERNEL: folder / "boot" / "shoal_kernel"} | {name: folder / "programs" / name for name in project.programs(debug)}
    if not files[KERNEL].exists():
        raise ShoalError(f"no kernel with symbols: {files[KERNEL].relative_to(project.ROOT)}", "./shoal iso")
    return Images({name: Image(name, file) for name, file in files.items()})


def short(name: str) -> str:
    """A C++ name for a table: without arguments, template arguments and the project's own namespaces."""
    name = re.sub(r"\(anonymous namespace\)::", "", name)
    while (plain := re.sub(r"<[^<>]*>", "", name)) != name:
        name = plain
    name = re.sub(r"\(.*", "", name)
    words = name.split()
    name = words[-1] if words else name
    return re.sub(r"\bshoal::(kernel::|vm::)?", "", name)


def _segments(elf: bytes) -> list[tuple[int, bytes]]:
    """(address, bytes) of what is loaded; ELF64 little endian (System V ABI, chapters 4 and 5)."""
    offset, size, count = struct.unpack_from("<Q", elf, 32)[0], *struct.unpack_from("<HH", elf, 54)
    found = []
    for index in range(count):
        kind, _, start, address, _, length = struct.unpack_from("<IIQQQQ", elf, offset + index * size)
        if kind == _LOAD:
            found.append((address, elf[start:start + length]))
    return found


def _symbols(file: Path) -> tuple[list[Symbol], list[Symbol]]:
    """Code and data, each by address."""
    text = subprocess.run(["nm", "-n", "-S", "--defined-only", str(file)], capture_output=True, text=True, check=True).stdout
    # What the optimiser adds to a name (foo.part.0) keeps it from being read.
    text = re.sub(r"\.(?:lto_priv|constprop|isra|part|cold)\b[.\d]*", "", text)
    text = subprocess.run(["c++filt"], input=text, capture_output=True, text=True, check=True).stdout
    code, data = [], []
    for line in text.splitlines():
        match = re.match(r"([0-9a-f]+)(?: ([0-9a-f]+))? (\w) (.*)", line)
        if not match or match[4].startswith("."):
            continue
        symbol = Symbol(int(match[1], 16), int(match[2] or "0", 16), short(match[4]))
        if match[3] in _CODE:
            code.append(symbol)
        elif match[3] in _DATA and symbol.size:  # without a size: a linker's mark
            data.append(symbol)
    return code, data
