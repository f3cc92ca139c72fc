"""Boots of the images in QEMU and Bochs: the cases that the modules of tests/boot offer."""
import importlib
import sys
from concurrent.futures import ThreadPoolExecutor

from .. import accelerator, bochs, build, failure, project, serial_log
from ..errors import ShoalError
from ..guest import Guest, Outcome
from ..machine import Machine
from .boot_case import BootCase, ImageFacts
from .reporter import Reporter, Result
from .settings import Settings


class BootSuite:
    """Cases of `group` (boot or stress); their names are group/suite/case."""

    def __init__(self, group: str, settings: Settings):
        self.group, self.settings = group, settings
        self.prefix = f"{group}/"

    def __str__(self) -> str:
        return f"{self.group}/guest"

    def prepare(self) -> None:
        for debug in (False, True):
            build.build_image(debug)
        build.build("release", "check_history")  # tests/boot/history_cases.py

    def cases(self) -> list[str]:
        return [self._full(case) for case in self._offered()]

    def run(self, reporter: Reporter, settings: Settings) -> None:
        cases = [case for case in self._offered() if settings.wants(self._full(case))]
        # Machines with many virtual CPUs would starve each other of the host's cores: they run one at a time, last.
        small = [case for case in cases if case.cpus <= 4]
        with ThreadPoolExecutor(settings.jobs) as pool:
            for results in pool.map(self._run_case, small):
                _report(reporter, results)
        for case in cases:
            if case not in small:
                _report(reporter, self._run_case(case))

    def _offered(self) -> list[BootCase]:
        facts = ImageFacts(frozenset(project.programs()), frozenset(project.programs(debug=True)), self.settings.seed)
        return [case for case in load_cases(facts)
                if case.group == self.group and (self.settings.full or not case.only_full)
                and (not case.program or facts.has(case.program, case.debug))
                and project.image(case.debug).exists()
                and (case.emulator != "bochs" or not bochs.missing())]

    def _run_case(self, case: BootCase) -> list[Result]:
        try:
            return self._boot(case, self._full(case))
        except (ShoalError, OSError, RuntimeError, ValueError) as error:  # of the host's side: a failure of this case
            return [Result(self._full(case), False, reason=str(error),
                           reproduce=self.settings.reproduce(self.group, self._full(case)))]

    def _boot(self, case: BootCase, full: str) -> list[Result]:
        outcome = Guest(self._machine(case), case.timeout).run(case.at_tick, case.at_start)
        reason = case.check(outcome)
        again = self.settings.reproduce(self.group, full)
        log = str(failure.keep_log(outcome, full, f"seed {self.settings.seed}\nreproduce: {again}")) if reason else ""
        return [*_inner(full, outcome, log, again), Result(full, not reason, outcome.seconds, reason, log, again)]

    def _machine(self, case: BootCase):
        image = project.image(case.debug)
        if case.emulator == "bochs":
            return bochs.BochsMachine(image, case.cpus, case.memory, case.options, case.boot_commands)
        chosen = accelerator.choose(self.settings.accelerator)
        return Machine(image, chosen, case.cpus, case.memory, case.uefi, case.options, extra=case.extra, files=case.files,
                       serial=case.serial, medium=case.medium, boot_commands=case.boot_commands)

    def _full(self, case: BootCase) -> str:
        return f"{self.group}/{case.name}"


def load_cases(facts: ImageFacts) -> list[BootCase]:
    """What every module of tests/boot (not starting with an underscore) offers."""
    folder = project.ROOT / "tests" / "boot"
    if not folder.is_dir():
        return []
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    names = sorted(p.stem for p in folder.glob("*_cases.py"))
    return [case for name in names for case in importlib.import_module(name).cases(facts)]


def _inner(full: str, outcome: Outcome, log: str, again: str) -> list[Result]:
    """The cases that the guest itself reported on its console."""
    return [Result(f"{full}/{name}", passed, 0.0, reason, "" if passed else log, again)
            for name, passed, reason in serial_log.verdicts(outcome.lines)]


def _report(reporter: Reporter, results: list[Result]) -> None:
    for result in results:
        reporter.add(result)
