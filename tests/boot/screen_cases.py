"""The console on the screen: a machine without a serial port, or told so, shows what a serial port would have carried."""
from pathlib import Path

from shoal import screen_reader, screenshot
from shoal.guest import Ending, Outcome
from shoal.monitor import Monitor
from shoal.testing.boot_case import BootCase, ImageFacts

_NO_SERIAL_PORT = ["-serial", "none"]
_BEGINNING, _END = "shoal: Shoal ", "shoal: end status 0"
# EGA text: 80 x 25 cells of a character and its colours (IBM's VGA technical reference).
_CELLS_AT, _COLUMNS, _ROWS, _CELL_BYTES = 0xB8000, 80, 25, 2


def cases(facts: ImageFacts) -> list[BootCase]:
    if not (facts.has("hello") and facts.has("faults")):
        return []
    offered = []
    for uefi in (False, True):
        firmware = "uefi" if uefi else "bios"
        offered += [
            # More lines than the screen has: its beginning has scrolled off at the end.
            _case(f"scrolled-{firmware}", "faults", ["rs.args=rounds=1,repeats=1", "console=fb"], uefi, at_tick=_screen_ends),
            _case(f"no-serial-port-{firmware}", "hello", [], uefi, serial=_NO_SERIAL_PORT),
            _case(f"virtio-{firmware}", "hello", [], uefi, serial=_NO_SERIAL_PORT, extra=["-vga", "virtio"], only_full=True),
        ]
    offered.append(_case("cirrus-bios", "hello", [], False, serial=_NO_SERIAL_PORT, extra=["-vga", "cirrus"]))
    offered.append(_case("text-mode", "hello", ["console=fb"], False, boot_commands=["set gfxpayload=text"],
                         at_tick=_cells_have_text))
    return offered


def _case(name: str, program: str, options: list[str], uefi: bool, **more) -> BootCase:
    return BootCase(f"screen/{name}", [f"rs.program={program}", "end=wait", *options], cpus=2, uefi=uefi, program=program,
                    timeout=180, check=_was_seen, **{"at_tick": _screen_has_text} | more)


def _read_screen(folder: Path) -> list[str]:
    """With the kernel's own font: a cell reads as a character only if each of its dots is as the font draws it."""
    picture = folder / "screen.ppm"
    with Monitor(folder) as monitor:
        monitor.screenshot(picture)
    return screen_reader.read_text(screenshot.read_pixmap(picture), screen_reader.kernel_font())


def _screen_has_text(folder: Path, _console: list[str]) -> bool:
    lines = _read_screen(folder)
    return any(line.startswith(_BEGINNING) for line in lines) and _END in lines


def _screen_ends(folder: Path, _console: list[str]) -> bool:
    lines = _read_screen(folder)
    return _END in lines and not any(line.startswith(_BEGINNING) for line in lines)


def _cells_have_text(folder: Path, _console: list[str]) -> bool:
    memory = folder / "cells"
    with Monitor(folder) as monitor:
        monitor.execute("pmemsave", val=_CELLS_AT, size=_COLUMNS * _ROWS * _CELL_BYTES, filename=str(memory))
    text = memory.read_bytes()[::_CELL_BYTES].decode("latin-1")
    lines = [text[start:start + _COLUMNS].rstrip(" \0") for start in range(0, len(text), _COLUMNS)]
    return any(line.startswith(_BEGINNING) for line in lines) and _END in lines


def _was_seen(outcome: Outcome) -> str:
    if outcome.ending is not Ending.FINISHED:
        return f"the screen never showed what it has to: {outcome.describe()}"
    return "" if not any("end status" in line for line in outcome.lines) else "the text went to the serial port"
