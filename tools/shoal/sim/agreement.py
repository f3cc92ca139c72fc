"""Two builds of the model on one image: where they differ by more than they may."""
from .measurements import Measured

COUNTED = 0.02   # instructions, misses
TIMED = 0.10     # cycles that nobody contends for
# Misses are counted in whole lines over a few thousand operations; a few lines more or less are chance.
_FEW_MISSES = 0.05


def differences(ours: Measured, theirs: Measured) -> list[str]:
    """For the same workload, machine and number of actors."""
    found = []
    for count in ("instructions", "misses"):
        mine, other = ours.counts[count], theirs.counts[count]
        slack = _FEW_MISSES if count == "misses" else 0.0
        if mine is None or other is None or abs(mine - other) > max(COUNTED * other, slack):
            found.append(f"{count}: {mine} and {other}, at most {COUNTED:.0%} apart")
    if ours.actors == 1 and abs(ours.cycles - theirs.cycles) > TIMED * theirs.cycles:
        found.append(f"cycles: {ours.cycles:.0f} and {theirs.cycles:.0f}, at most {TIMED:.0%} apart")
    return found


def pairs(ours: list[Measured], theirs: list[Measured]) -> list[tuple[Measured, Measured | None]]:
    """Each of ours with its counterpart."""
    by_name = {(row.workload, row.cpus, row.actors): row for row in theirs}
    return [(row, by_name.get((row.workload, row.cpus, row.actors))) for row in ours]
