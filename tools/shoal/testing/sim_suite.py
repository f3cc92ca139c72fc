"""Suites in the timing model: counted figures against their ratchets, lines that operations share against the list of those that
they may share, how long faults wait against how long they may, and agreement with another build of the model."""
import time
from pathlib import Path

from .. import build, guest_suites, project
from ..errors import ShoalError
from ..sim import agreement, conflicts, ratchets, simulated_machine, symbols, waits
from ..sim.measurements import Measured
from ..sim.report import Names
from ..sim.run import guest_options, run_and_look
from ..sim.run import run as run_in_model
from .reporter import Reporter, Result
from .settings import Settings

_AGREEMENT_CPUS = 2
_ROUNDS = 4


class RatchetSuite:
    """One case for each figure; their names are sim/ratchet/WORKLOAD-ACTORS-COUNT."""

    group, prefix = "sim", "sim/ratchet/"

    def __str__(self) -> str:
        return "sim/ratchet"

    def prepare(self) -> None:
        build.build_image()
        simulated_machine.build_plugin()

    def cases(self) -> list[str]:
        return [self._full(ratchet) for ratchet in ratchets.load()] if _can_run() else []

    def run(self, reporter: Reporter, settings: Settings) -> None:
        wanted = [ratchet for ratchet in ratchets.load() if settings.wants(self._full(ratchet))]
        for suite, cpus in ratchets.runs(wanted):
            held = [ratchet for ratchet in wanted if (ratchet.suite, ratchet.actors) == (suite, cpus)]
            started = time.monotonic()
            try:
                rows, trouble = measure(suite, cpus, ratchets.workload_filter(held), settings), ""
            except ShoalError as error:
                rows, trouble = [], str(error)
            for ratchet in held:
                reason = trouble or ratchet.verdict(rows)
                reporter.add(Result(self._full(ratchet), not reason, time.monotonic() - started, reason,
                                    reproduce=settings.reproduce(self.group, self._full(ratchet))))
                started = time.monotonic()

    def _full(self, ratchet: ratchets.Ratchet) -> str:
        return f"{self.prefix}{ratchet.name}"


class ConflictSuite:
    """One case for each relation of two operations; their names are sim/conflicts/RELATION."""

    group, prefix = "sim", "sim/conflicts/"

    def __str__(self) -> str:
        return "sim/conflicts"

    def prepare(self) -> None:
        RatchetSuite().prepare()

    def cases(self) -> list[str]:
        return [f"{self.prefix}{relation}" for relation in conflicts.RELATIONS] if _can_run() else []

    def run(self, reporter: Reporter, settings: Settings) -> None:
        wanted = [relation for relation in conflicts.RELATIONS if settings.wants(f"{self.prefix}{relation}")]
        if not wanted:
            return
        started, trouble, results = time.monotonic(), "", {}
        try:
            results = self._measure(wanted, settings)
        except ShoalError as error:
            trouble = str(error)
        for relation in wanted:
            reason = trouble or self._verdict(relation, results)
            full = f"{self.prefix}{relation}"
            reporter.add(Result(full, not reason, time.monotonic() - started, reason, reproduce=settings.reproduce(self.group, full)))
            started = time.monotonic()

    def _measure(self, wanted: list[str], settings: Settings) -> dict:
        names = Names(symbols.load())
        machine = simulated_machine.SimulatedMachine(
            project.image(), simulated_machine.accelerator(), conflicts.CPUS, plugin=simulated_machine.built_plugin(),
            options=conflicts.guest_options(wanted[0] if len(wanted) == 1 else ""), model_options=["conflicts=1"])
        return conflicts.found(run_and_look(machine, "conflicts", settings.timeout, names.images), names)

    def _verdict(self, relation: str, results: dict) -> str:
        own = {key: value for key, value in results.items() if key[1] == relation}
        if not own:
            return "no pair of operations was measured"
        left = conflicts.forbidden(own, conflicts.allowed())
        return "\n".join(sorted({f"{each.object} in {each.pair}: {'; '.join(each.sites)}" for each in left})[:20])


class WaitSuite:
    """One case for each sort of long work of VM; their names are sim/wait/WORK."""

    group, prefix = "sim", "sim/wait/"

    def __str__(self) -> str:
        return "sim/wait"

    def prepare(self) -> None:
        RatchetSuite().prepare()

    def cases(self) -> list[str]:
        return [f"{self.prefix}{work}" for work in waits.load().work] if _can_run() else []

    def run(self, reporter: Reporter, settings: Settings) -> None:
        limits = waits.load()
        wanted = [work for work in limits.work if settings.wants(f"{self.prefix}{work}")]
        if not wanted:
            return
        started, trouble, measured = time.monotonic(), "", []
        try:
            measured = self._measure(wanted, limits, settings)
        except ShoalError as error:
            trouble = str(error)
        for work in wanted:
            reason, full = trouble or limits.verdict(work, measured), f"{self.prefix}{work}"
            reporter.add(Result(full, not reason, time.monotonic() - started, reason, reproduce=settings.reproduce(self.group, full)))
            started = time.monotonic()

    def _measure(self, wanted: list[str], limits: waits.Limits, settings: Settings) -> list[waits.Wait]:
        more = (f"mappings={limits.mappings}", *((f"filter={wanted[0]}",) if len(wanted) == 1 else ()))
        machine = simulated_machine.SimulatedMachine(
            project.image(), simulated_machine.accelerator(), waits.CPUS, options=guest_options(guest_suites.WAITS, _ROUNDS, 1, more),
            plugin=simulated_machine.built_plugin())
        return waits.found(run_in_model(machine, guest_suites.WAITS, settings.timeout))


class AgreementSuite:
    """One case for each workload and number of actors, measured under both plugins; needs the other one."""

    group, prefix = "sim", "sim/agreement/"

    def __init__(self, reference: str | None):
        self.reference = simulated_machine.plugin_file(reference) if reference else None

    def __str__(self) -> str:
        return "sim/agreement"

    def prepare(self) -> None:
        if self.reference:
            RatchetSuite().prepare()

    def cases(self) -> list[str]:
        return [f"{self.prefix}faults"] if self.reference and _can_run() else []

    def run(self, reporter: Reporter, settings: Settings) -> None:
        started = time.monotonic()
        again = settings.reproduce(self.group, f"{self.prefix}faults") + f" --reference-plugin {self.reference}"
        try:
            ours, theirs = (measure("faults", _AGREEMENT_CPUS, "", settings, plugin, fewest=1) for plugin in (None, self.reference))
        except ShoalError as error:
            reporter.add(Result(f"{self.prefix}faults", False, time.monotonic() - started, str(error), reproduce=again))
            return
        for mine, other in agreement.pairs(ours, theirs):
            found = agreement.differences(mine, other) if other else ["the reference did not measure it"]
            reporter.add(Result(f"{self.prefix}faults/{mine.workload}-{mine.actors}", not found, time.monotonic() - started,
                                "\n".join(found), reproduce=again))
            started = time.monotonic()


def measure(suite: str, cpus: int, workload: str, settings: Settings, plugin: Path | None = None,
            fewest: int | None = None) -> list[Measured]:
    """A suite on a machine of `cpus`, with as many actors, or from `fewest` on."""
    more = (f"filter={workload}",) if workload else ()
    machine = simulated_machine.SimulatedMachine(
        project.image(), simulated_machine.accelerator(), cpus, options=guest_options(suite, _ROUNDS, fewest or cpus, more),
        plugin=plugin or simulated_machine.built_plugin())
    return run_in_model(machine, suite, settings.timeout).measured()


def _can_run() -> bool:
    return project.image().exists() and simulated_machine.built_plugin().exists()
