"""How long page faults wait beside long work of VM on their CPU: each fault is a stretch of the model."""
import re
from dataclasses import dataclass
from statistics import median

from ..errors import ExitCode, ShoalError
from .measurements import stretches
from .run import Run

CPUS = 1
_LINE = re.compile(r"^WAITS (\w+) faults=(\d+)$")


@dataclass(frozen=True)
class Wait:
    """The faults that were taken beside one sort of work [modelled cycles]."""

    work: str
    faults: int
    usual: float
    longest: int


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
