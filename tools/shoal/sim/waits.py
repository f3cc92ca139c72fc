"""How long page faults wait beside long work of VM on their CPU: each fault is a stretch of the model. bench/sim/waits.toml says how
long they may."""
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .. import project
from ..errors import ExitCode, ShoalError
from .measurements import stretches
from .run import Run

CPUS = 1
FILE = project.ROOT / "bench" / "sim" / "waits.toml"
_LINE = re.compile(r"^WAITS (\w+) faults=(\d+)$")


@dataclass(frozen=True)
class Wait:
    """The faults that were taken beside one sort of work [modelled cycles]."""

    work: str
    faults: int
    usual: float
    longest: int


@dataclass(frozen=True)
class Limits:
    """What is measured, and how long a fault may wait beside any of it [modelled cycles]."""

    longest: int
    mappings: int  # of a process that ends
    work: tuple[str, ...]

    def verdict(self, work: str, waits: list[Wait]) -> str:
        """Why the run fails, empty if it does not."""
        measured = next((wait for wait in waits if wait.work == work), None)
        if measured is None:
            return f"no fault was measured beside {work}"
        if measured.longest > self.longest:
            return f"a fault waited {measured.longest:,} cycles, at most {self.longest:,} ({measured.faults} faults, median {measured.usual:,.0f})"
        return ""


def load(file: Path = FILE) -> Limits:
    entries = tomllib.loads(file.read_text())
    return Limits(entries["longest"], entries["mappings"], tuple(entries["work"]))


def found(done: Run) -> list[Wait]:
    """In the order of the console's lines, each of which ends its faults."""
    rest, waits = stretches(done.model), []
    for match in filter(None, map(_LINE.match, done.console)):
        count = int(match[2])
        cycles, rest = [stretch["cycles"] for stretch in rest[:count]], rest[count:]
        if len(cycles) < count or not cycles:
            raise ShoalError(f"{match[1]}: the model printed {len(cycles)} of {count} stretches",
                             "the plugin or its marks do not belong to this image; build both afresh", ExitCode.FAILED)
        waits.append(Wait(match[1], count, median(cycles), max(cycles)))
    return waits


def table(waits: list[Wait]) -> str:
    lines = [f"{'a fault beside this work':32}{'faults':>8}{'median':>10}{'longest':>10}"]
    lines += [f"{each.work:32}{each.faults:>8}{each.usual:>10.0f}{each.longest:>10}" for each in waits]
    return "\n".join(lines)
