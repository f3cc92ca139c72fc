"""Figures of other systems, kept as data with their source in bench/sim/baselines.toml."""
import tomllib
from dataclasses import dataclass

from .. import project

FILE = project.ROOT / "bench" / "sim" / "baselines.toml"


@dataclass(frozen=True)
class Baseline:
    """One system: cycles an operation, by workload and number of actors."""

    name: str
    version: str
    source: str
    cycles: dict[str, dict[int, float]]

    def at(self, workload: str, actors: int) -> float | None:
        return self.cycles.get(workload, {}).get(actors)


def load(text: str | None = None) -> list[Baseline]:
    systems = tomllib.loads(FILE.read_text() if text is None else text)["system"]
    return [Baseline(system["name"], system["version"], system["source"],
                     {name: {int(actors): float(value) for actors, value in row.items()} for name, row in system["cycles"].items()})
            for system in systems]
