"""Joins what the guest says it measured (RES lines) with what the model counted (SIM lines)."""
import re
from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from .. import serial_log
from ..errors import ExitCode, ShoalError

# The model's words -> ours. A plugin that does not count something leaves its word out.
COUNTS = {"insns": "instructions", "rdmiss": "misses", "wrmiss": "misses", "cold": "cold_lines", "irets": "exception_returns",
          "cr3": "cr3_loads", "ipis": "ipis"}
_SIM = re.compile(r"^SIM cpu \d+((?: \w+ \d+)+)\s*$")


@dataclass(frozen=True)
class Measured:
    """One workload with one number of actors on a machine of `cpus`: medians over the repetitions, each an operation.

    `cycles` is the slowest actor's; the counts are means over the actors, None where the plugin does not count them."""

    workload: str
    cpus: int
    actors: int
    cycles: float
    cycles_low: float
    cycles_high: float
    counts: dict[str, float | None]
    deferred: tuple[int, int] | None = None  # pages and objects not yet free at the stretches' end, the most of any repetition


def stretches(text: str) -> list[dict[str, int]]:
    """The SIM lines, in their order, as word -> number."""
    found = []
    for line in text.splitlines():
        if match := _SIM.match(line):
            words = match[1].split()
            found.append(dict(zip(words[::2], map(int, words[1::2]))))
    return found


def measurements(console: list[str], model: str, cpus: int) -> list[Measured]:
    """The N stretches of a run with N actors come before those of the next run. Repetitions become one by their medians."""
    rest = stretches(model)
    runs: dict[tuple[str, int], list[dict[str, float]]] = defaultdict(list)
    for workload, actors, operations in serial_log.results(console):
        cores, rest = rest[:actors], rest[actors:]
        if len(cores) < actors:
            raise ShoalError(f"{workload} with {actors} actors: the model printed {len(cores)} stretches",
                             "the plugin or its marks do not belong to this image; build both afresh", ExitCode.FAILED)
        runs[workload, actors].append(_one_run(cores, actors, operations))
    left: dict[tuple[str, int], tuple[int, int]] = {}
    for workload, actors, pages, objects in serial_log.deferred(console):
        before = left.get((workload, actors), (0, 0))
        left[workload, actors] = max(before[0], pages), max(before[1], objects)
    return [_median(workload, cpus, actors, repeats, left.get((workload, actors))) for (workload, actors), repeats in runs.items()]


def _one_run(cores: list[dict[str, int]], actors: int, operations: int) -> dict[str, float]:
    figures: dict[str, float] = {"cycles": max(core["cycles"] for core in cores) / operations}
    for word, name in COUNTS.items():
        if all(word in core for core in cores):
            figures[name] = figures.get(name, 0.0) + sum(core[word] for core in cores) / actors / operations
    return figures


def _median(workload: str, cpus: int, actors: int, repeats: list[dict[str, float]], deferred: tuple[int, int] | None) -> Measured:
    cycles = [run["cycles"] for run in repeats]
    counts = {name: median(run[name] for run in repeats) if all(name in run for run in repeats) else None
              for name in dict.fromkeys(COUNTS.values())}
    return Measured(workload, cpus, actors, median(cycles), min(cycles), max(cycles), counts, deferred)
