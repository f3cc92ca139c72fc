"""Counted figures that may only fall: bench/sim/ratchets.toml holds the values, a run is held to them, and the file is only ever
rewritten with lower ones."""
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from .. import project
from .measurements import Measured

FILE = project.ROOT / "bench" / "sim" / "ratchets.toml"
_HEAD = """# Counted figures that may only fall, an operation each. `./shoal test sim` holds a run to them; `./shoal sim --update-ratchet` lowers
# them to what it measures and raises none. A figure that has to rise is raised by hand, in a change that says why.
"""


@dataclass(frozen=True)
class Ratchet:
    """A workload's count, on a machine with as many CPUs as actors."""

    suite: str
    workload: str
    actors: int
    count: str  # a name of Measured.counts
    value: float

    @property
    def name(self) -> str:
        return f"{self.workload}-{self.actors}-{self.count.replace('_', '-')}"

    def limit(self) -> float:
        """What a run may reach: a relative tolerance for instructions, an absolute one for what is nearly nothing."""
        return self.value * 1.02 if self.count == "instructions" else self.value + 0.02

    def measured(self, rows: list[Measured]) -> float | None:
        for row in rows:
            if (row.workload, row.actors, row.cpus) == (self.workload, self.actors, self.actors):
                return row.counts.get(self.count)
        return None

    def verdict(self, rows: list[Measured]) -> str:
        """Why the run fails, empty if it does not."""
        value = self.measured(rows)
        if value is None:
            return f"{self.workload} with {self.actors} actors was not measured"
        if value > self.limit():
            return f"{value:.3f} {self.count} an operation, at most {self.limit():.3f} (ratchet {self.value:.3f})"
        return ""


def load(file: Path = FILE) -> list[Ratchet]:
    entries = tomllib.loads(file.read_text())["ratchet"]
    return [Ratchet(e["suite"], e["workload"], e["actors"], e["count"], float(e["value"])) for e in entries]


def runs(ratchets: list[Ratchet]) -> list[tuple[str, int]]:
    """The (suite, CPUs) that have to be run."""
    return list(dict.fromkeys((ratchet.suite, ratchet.actors) for ratchet in ratchets))


def workload_filter(held: list[Ratchet]) -> str:
    """What a run's filter asks for so that it measures these, and little else."""
    names = {ratchet.workload for ratchet in held}
    return names.pop() if len(names) == 1 else ""


def lowered(ratchets: list[Ratchet], rows: list[Measured]) -> list[Ratchet]:
    """With the lower one of each value and what was measured."""
    found = []
    for ratchet in ratchets:
        value = ratchet.measured(rows)
        found.append(ratchet if value is None or value >= ratchet.value else replace(ratchet, value=round(value, 3)))
    return found


def store(ratchets: list[Ratchet], file: Path = FILE) -> None:
    entries = [f'[[ratchet]]\nsuite = "{r.suite}"\nworkload = "{r.workload}"\nactors = {r.actors}\ncount = "{r.count}"\nvalue = {r.value:.3f}\n'
               for r in ratchets]
    file.write_text("\n".join([_HEAD, *entries]))
