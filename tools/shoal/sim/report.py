"""The tables of --hot and --profile: by function and object, and by chain of calls."""
import re
from collections import Counter, defaultdict
from pathlib import Path

from .. import project, serial_log
from ..progress import say
from . import objects, symbols, traces
from .run import Run

_HOT_ROWS, _PROFILE_ROWS = 30, 40
_LEAST_SHOWN = 0.05  # cycles an operation
_UNKNOWN = "?"


class Names:
    """Code as program and function."""

    def __init__(self, images: symbols.Images):
        self.images = images
        self._known: dict[traces.Block, symbols.Image | None] = {}

    def image(self, block: traces.Block) -> symbols.Image | None:
        if block not in self._known:
            self._known[block] = self.images.of_code(block.pc, block.code) if block.code or symbols.is_kernel(block.pc) else None
        return self._known[block]

    def function(self, block: traces.Block, pc: int | None = None) -> str:
        image, place = self.image(block), block.pc if pc is None else pc
        if image is None:
            return f"{_UNKNOWN}:{place:#x}"
        return f"{image.name}:{image.function(place) or hex(place)}"


def by_run(run: Run, end: str):
    """((workload, actors), operations of all actors and repetitions, sections)."""
    found: dict[tuple[str, int], tuple[int, list[traces.Section]]] = defaultdict(lambda: (0, []))
    for (workload, actors, operations), section in zip(serial_log.results(run.console), traces.sections(run.model, end)):
        done, parts = found[workload, actors]
        found[workload, actors] = done + operations * actors, [*parts, section]
    return [(key, operations, parts) for key, (operations, parts) in found.items()]


def print_hot(runs: list[Run], names: Names) -> None:
    for run in runs:
        for (workload, actors), operations, parts in by_run(run, "HOTEND"):
            rows = hot_rows([line for part in parts for line in part.hot], names, run.objects)
            print(f"\nremote lines, {workload}, {actors} actors on {run.cpus} CPUs, an operation, mean of all repetitions")
            print(f"{'misses':>8} {'cycles':>8}    function, object")
            shown = [row for row in rows if row[1][1] >= _LEAST_SHOWN * operations]
            for (function, kind, place), (misses, cycles) in shown[:_HOT_ROWS]:
                print(f"{misses / operations:>8.3f} {cycles / operations:>8.1f} {kind}  {function}, {place}")
            if not shown:
                print(f"   (none above {_LEAST_SHOWN} cycles)")


def hot_rows(lines: list[traces.HotLine], names: Names, known: dict[int, str]):
    """((function, r or w, object), (misses, cycles)), costliest first. `known`: objects by physical address."""
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        place = _UNKNOWN
        if line.address:
            place = objects.name(line.address, line.physical, names.image(line.block), names.images.kernel(), known)
        entry = sums[names.function(line.block, line.pc), "w" if line.store else "r", place]
        entry[0] += line.misses or 0
        entry[1] += line.cycles
    return sorted(((key, tuple(value)) for key, value in sums.items()), key=lambda row: -row[1][1])


def print_profile(runs: list[Run], names: Names) -> None:
    for run in runs:
        for (workload, actors), operations, parts in by_run(run, "PROFEND"):
            stacks = Counter()
            for part in parts:
                for chain, cycles in part.stacks:
                    stacks[";".join(folded(chain, names))] += cycles
            flat = Counter()
            for chain, cycles in stacks.items():
                flat[chain.rpartition(";")[2]] += cycles
            total = sum(flat.values()) or 1
            print(f"\ncycles by function, {workload}, {actors} actors on {run.cpus} CPUs: {total / operations:.0f} an operation, mean of all repetitions")
            for function, cycles in flat.most_common(_PROFILE_ROWS):
                print(f"{cycles / operations:>9.1f} {100 * cycles / total:>5.1f} %  {function}")
            say(f"folded stacks: {write_folded(run, workload, actors, stacks)}")


def folded(chain: list[traces.Block], names: Names) -> list[str]:
    """A chain of calls as functions, outermost first; the innermost block lies in the function that was called last."""
    words: list[str] = []
    for block in chain:
        word = names.function(block)
        if not words or words[-1] != word:
            words.append(word)
    return words


def write_folded(run: Run, workload: str, actors: int, stacks: Counter) -> Path:
    """For a flame graph: a line `outer;inner cycles` for each chain of calls."""
    folder = project.BUILD / "sim"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', workload)}-{actors}-of-{run.cpus}.folded"
    file.write_text("".join(f"{chain} {cycles}\n" for chain, cycles in sorted(stacks.items())))
    return file.relative_to(project.ROOT)
