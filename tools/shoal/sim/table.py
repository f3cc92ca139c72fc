"""The table of `./shoal sim`."""
from .baselines import Baseline
from .measurements import Measured

# Heading, name of the count, decimals.
_COUNTS = (("insns", "instructions", 0), ("misses", "misses", 2), ("cold", "cold_lines", 1), ("exits", "exception_returns", 2),
           ("CR3", "cr3_loads", 2), ("IPIs", "ipis", 3))
LEGEND = """an operation: cycles of the slowest actor (lowest and highest repetition), efficiency against one actor on the largest
machine, instructions, lines fetched from or taken from other cores, lines touched first, returns from exceptions, CR3 loads, IPIs; of the
whole measurement: pages + objects of VM that were given up in it and not yet free at its end"""


def efficiency(row: Measured, rows: list[Measured]) -> float | None:
    """Against one actor on the largest machine where that was measured, else on any."""
    alone = [other for other in rows if other.workload == row.workload and other.actors == 1]
    if not alone:
        return None
    return max(alone, key=lambda other: other.cpus).cycles / row.cycles


def ordered(rows: list[Measured]) -> list[Measured]:
    """By workload in the order of first appearance; the largest machine first, then the smaller ones."""
    names = list(dict.fromkeys(row.workload for row in rows))
    return sorted(rows, key=lambda row: (names.index(row.workload), -row.cpus, row.actors))


def table(rows: list[Measured], baselines: list[Baseline]) -> str:
    systems = [system for system in baselines if any(row.workload in system.cycles for row in rows)]
    head = f"{'workload':25} {'CPUs':>4} {'actors':>6} {'cycles':>8} {'(range)':>15} {'eff.':>6}"
    head += "".join(f" {title:>7}" for title, _, _ in _COUNTS) + f" {'deferred':>9}" + "".join(f" {system.name:>8}" for system in systems)
    return "\n".join([head, *(_row(row, rows, systems) for row in ordered(rows))])


def _row(row: Measured, rows: list[Measured], systems: list[Baseline]) -> str:
    share = efficiency(row, rows)
    spread = f"{row.cycles_low:.0f}..{row.cycles_high:.0f}"
    line = f"{row.workload:25} {row.cpus:>4} {row.actors:>6} {row.cycles:>8.0f} {spread:>15} "
    line += f"{100 * share:>4.0f} %" if share is not None else f"{'-':>6}"
    for _, name, decimals in _COUNTS:
        value = row.counts.get(name)
        line += f" {'-' if value is None else f'{value:.{decimals}f}':>7}"
    line += f" {'-' if row.deferred is None else '{}+{}'.format(*row.deferred):>9}"
    for system in systems:
        value = system.at(row.workload, row.actors)
        line += f" {'-' if value is None else f'{value:.0f}':>8}"
    return line.rstrip()


def sources(rows: list[Measured], baselines: list[Baseline]) -> str:
    """Where the other systems' figures come from."""
    return "\n".join(f"{system.name}: {system.version}; {system.source}" for system in baselines
                     if any(row.workload in system.cycles for row in rows))
