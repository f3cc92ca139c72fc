"""What `--suite conflicts` says: for each pair of operations the lines that both CPUs touched, at least one of them writing, held
against the list of those that are allowed (bench/sim/conflicts.toml)."""
import tomllib
from collections import defaultdict
from dataclasses import dataclass

from .. import project, serial_log
from . import objects, traces
from .report import Names
from .run import Run

FILE = project.ROOT / "bench" / "sim" / "conflicts.toml"
CPUS = 2
RELATIONS = ("other-process", "other-region", "other-leaf", "same-leaf")


@dataclass(frozen=True)
class Conflict:
    """One line: the object both met in, and for each CPU how it touched it and where."""

    pair: str      # A+B
    relation: str
    object: str    # of the access on the first CPU, a write if there is one
    sites: tuple[str, ...]

    @property
    def type(self) -> str:
        """The object without its member: what the list of allowed ones names."""
        return self.object.partition(".")[0].partition("+")[0]


def guest_options(pairs: str = "") -> list[str]:
    """Kernel options that start the suite; only `pairs` whose name A+B/RELATION contains that."""
    return ["bench=conflicts", *([f"rs.args=filter={pairs}"] if pairs else [])]


def found(run: Run, names: Names) -> dict[tuple[str, str], list[Conflict]]:
    """(pair, relation) -> its conflicts, also the pairs without any."""
    result = {}
    measured = [name for name, _, _ in serial_log.results(run.console)]
    for name, section in zip(measured, traces.sections(run.model, "CONFLICTEND")):
        pair, _, relation = name.rpartition("/")
        result[pair, relation] = [_conflict(pair, relation, touches, run, names) for _, touches in section.conflicts]
    return result


def _conflict(pair: str, relation: str, touches: list[traces.Touch], run: Run, names: Names) -> Conflict:
    leading = next((touch for touch in touches if touch.store), touches[0])
    place = objects.name(leading.address, leading.physical, names.image(leading.block), names.images.kernel(), run.objects)
    sites = tuple(f"CPU {touch.core} {'writes' if touch.store else 'reads'} in {names.function(touch.block, touch.pc)}"
                  f" ({objects.member(touch.physical, run.objects)})" for touch in touches)
    return Conflict(pair, relation, place, sites)


@dataclass(frozen=True)
class Permission:
    """An entry of the list: objects of these types may be met in, by all operations or, where some are named, by two of those."""

    relation: str
    objects: frozenset[str]
    operations: frozenset[str] = frozenset()

    def covers(self, conflict: Conflict) -> bool:
        named = not self.operations or self.operations.issuperset(conflict.pair.split("+"))
        return named and self.relation == conflict.relation and conflict.type in self.objects


def allowed() -> list[Permission]:
    if not FILE.exists():
        return []
    entries = tomllib.loads(FILE.read_text()).get("allowed", [])
    return [Permission(entry["relation"], frozenset(entry["objects"]), frozenset(entry.get("operations", ()))) for entry in entries]


def table(results: dict[tuple[str, str], list[Conflict]]) -> str:
    """Pairs by relations: how many lines."""
    pairs = list(dict.fromkeys(pair for pair, _ in results))
    head = f"{'pair':28}" + "".join(f" {relation:>14}" for relation in RELATIONS)
    rows = [f"{pair:28}" + "".join(f" {_count(results, pair, relation):>14}" for relation in RELATIONS) for pair in pairs]
    return "\n".join([head, *rows])


def _count(results: dict, pair: str, relation: str) -> str:
    return str(len(results[pair, relation])) if (pair, relation) in results else "-"


def details(results: dict[tuple[str, str], list[Conflict]], permitted: list[Permission]) -> str:
    """Every object that operations met in, by relation, with the pairs and the places of one of them."""
    groups: dict[tuple[str, str], list[Conflict]] = defaultdict(list)
    for conflicts in results.values():
        for conflict in conflicts:
            groups[conflict.relation, conflict.object].append(conflict)
    lines = []
    for relation in RELATIONS:
        for (where, name), conflicts in sorted(groups.items()):
            if where != relation:
                continue
            mark = "NOT ALLOWED" if _not_covered(conflicts, permitted) else "allowed"
            pairs = sorted({conflict.pair for conflict in conflicts})
            lines.append(f"\n{relation}: {name} ({mark}), {len(conflicts)} lines in {len(pairs)} pairs: {', '.join(pairs)}")
            lines += [f"    {site}" for site in conflicts[0].sites]
    return "\n".join(lines)


def forbidden(results: dict[tuple[str, str], list[Conflict]], permitted: list[Permission]) -> list[Conflict]:
    return [conflict for conflicts in results.values() for conflict in _not_covered(conflicts, permitted)]


def _not_covered(conflicts: list[Conflict], permitted: list[Permission]) -> list[Conflict]:
    return [conflict for conflict in conflicts if not any(permission.covers(conflict) for permission in permitted)]
