"""Benchmark documents as figures, and figures as a table."""
import re
from dataclasses import dataclass
from statistics import median

from .host_facts import NO_SCALING, is_scaling

_NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
_ACTORS = re.compile(r"^(?:threads|processes):(\d+)$")


@dataclass(frozen=True)
class Figure:
    """Operations a second of all actors (threads or processes) together, on a machine of `cpus`."""

    workload: str
    cpus: int
    per_second: float
    actors: int = 0


def rate(entry: dict) -> float:
    """Operations a second of one benchmark entry; its own items_per_second where it gives one."""
    if "items_per_second" in entry:
        return float(entry["items_per_second"])
    nanoseconds = float(entry["real_time"]) * _NANOSECONDS[entry.get("time_unit", "ns")]
    return 1e9 / nanoseconds if nanoseconds else 0.0


def name_and_actors(entry: dict) -> tuple[str, int]:
    """From SUITE/WORKLOAD/threads:N, WORKLOAD/threads:N or the field `threads`."""
    parts = entry["name"].split("/")
    named = _ACTORS.match(parts[-1])
    actors = int(named[1]) if named else int(entry.get("threads", 1))
    words = parts[:-1] if named else parts
    return words[-1], actors


def figures(document: dict, cpus: int) -> list[Figure]:
    """One figure for each workload of a run on a machine of `cpus`: with the most actors, repetitions by their median."""
    rates: dict[str, dict[int, list[float]]] = {}
    for entry in document.get("benchmarks", []):
        if entry.get("run_type", "iteration") == "iteration" and not entry.get("error_occurred"):
            name, actors = name_and_actors(entry)
            rates.setdefault(name, {}).setdefault(actors, []).append(rate(entry))
    return [Figure(name, cpus, median(by_actors[max(by_actors)]), max(by_actors)) for name, by_actors in rates.items()]


def table(rows: list[Figure]) -> str:
    """Rows by workload and CPUs: operations a second, the share of one CPU, and efficiency against the smallest machine."""
    lines = [f"{'workload':28} {'CPUs':>4} {'per second':>13} {'per CPU':>13} {'efficiency':>10}"]
    base: dict[str, float] = {}
    for row in rows:
        share = row.per_second / row.cpus
        first = base.setdefault(row.workload, share)
        note = "" if is_scaling(row.cpus) else f"  {NO_SCALING}"
        efficiency = f"{100 * share / first:.0f} %" if first else "-"
        lines.append(f"{row.workload:28} {row.cpus:>4} {row.per_second:>13,.0f} {share:>13,.0f} {efficiency:>10}{note}")
    return "\n".join(lines)


def ordered(rows: list[Figure]) -> list[Figure]:
    """By workload in the order of first appearance, then by CPUs."""
    names = list(dict.fromkeys(row.workload for row in rows))
    return sorted(rows, key=lambda row: (names.index(row.workload), row.cpus))
