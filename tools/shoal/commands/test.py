"""test: everything that must pass."""
import argparse
import dataclasses

from ..errors import ExitCode, ShoalError
from ..progress import say
from ..testing import settings as test_settings
from ..testing import answers_suite
from ..testing.answers_suite import AnswersSuite
from ..testing.boot_suite import BootSuite
from ..testing.host_suite import HostSuite
from ..testing.lock_suite import LockSuite
from ..testing.python_suite import PythonSuite
from ..testing.reporter import Reporter, Result
from ..testing.settings import Settings
from ..testing.sim_suite import AgreementSuite, ConflictSuite, RatchetSuite, WaitSuite

HELP = "everything that must pass: unit, model, boot, sim, stress, or all"
DESCRIPTION = """Runs tests and ends with the line `N passed, N failed` (status 1 if a case failed).
  unit    host tests (AddressSanitizer and UBSan; those with threads: ThreadSanitizer; --full: all of them, and plain), clang's lock analysis, the tree's rules
  model   random operations against sequential models
  boot    the images in QEMU and Bochs: CPU counts, BIOS and UEFI, kernel options, programs, panics, the screen
  sim     the suites in the timing model: counted figures have not risen, faults wait no longer than they may;
          --reference-plugin: another build of the model agrees
  stress  torture tests of lock-free structures and of the running system
Failures leave a log with their seed under build/logs and the line that runs them again."""

GROUPS = ("unit", "model", "boot", "sim", "stress")
_HOST_PRESETS = {"unit": ("asan", "tsan"), "model": ("release", "tsan"), "stress": ("release", "tsan")}
_HOST_PRESETS_OF_FULL = {"unit": ("dev",)}  # what the sanitizers' builds run as well


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="unit, model, boot, sim, stress or all (default)")
    parser.add_argument("--list", action="store_true", help="name the cases that are there, and run none")
    parser.add_argument("--filter", metavar="REGEX", help="only cases whose name the expression is found in")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="everything N times")
    parser.add_argument("--seed", type=int, metavar="N", help="for what is random (default: a new one, printed)")
    parser.add_argument("--ops", type=int, metavar="N", help="model: random operations of the long run (default 300,000; with --full 1,000,000)")
    parser.add_argument("--junit", metavar="FILE", help="write the results as JUnit XML")
    parser.add_argument("--full", action="store_true", help="the whole boot matrix, every seeded defect, the plain host builds and ThreadSanitizer over every test, instead of a few of each")
    parser.add_argument("--accel", choices=("auto", "kvm", "tcg"), default="auto", help="QEMU's accelerator (default auto)")
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="cases side by side (default: one for each core)")
    parser.add_argument("--timeout", type=float, default=600, metavar="S", help="seconds for each host case (default 600, more with --ops)")
    parser.add_argument("--reference-plugin", metavar="FILE", help="sim: another build of the timing model, to agree with")
    parser.add_argument("--no-build", action="store_true", help="test what is built")
    parser.add_argument("--dry-run", action="store_true", help="the same as --list")


def run(options: argparse.Namespace) -> int:
    settings = _settings(options)
    suites = _suites(_groups(options.groups), settings)
    if options.list or options.dry_run:
        return _list(suites, settings)
    say(f"seed {settings.seed}")
    reporter = Reporter()
    if settings.filter is None:
        answers_suite.begin()
    for number in range(settings.repeat):
        if settings.repeat > 1:
            reporter.heading(f"round {number + 1} of {settings.repeat}")
        for suite in suites:
            _run_suite(suite, reporter, settings, build=number == 0 and not options.no_build)
    return ExitCode.OK if reporter.finish(options.junit) else ExitCode.FAILED


def _groups(words: list[str]) -> list[str]:
    for word in words:
        if word not in (*GROUPS, "all"):
            raise ShoalError(f"unknown test group '{word}'", "groups are unit, model, boot, sim, stress and all", ExitCode.USAGE)
    return list(GROUPS) if not words or "all" in words else [group for group in GROUPS if group in words]


def _settings(options: argparse.Namespace) -> Settings:
    if options.repeat < 1 or options.jobs < 0:
        raise ShoalError("--repeat and --jobs count from 1", "leave them out for the default", ExitCode.USAGE)
    if options.ops is not None and options.ops < 1:
        raise ShoalError(f"--ops {options.ops} is no number of operations", "--ops 10000000 is a long run", ExitCode.USAGE)
    made = Settings(options.seed if options.seed is not None else test_settings.new_seed(),
                    test_settings.compile_filter(options.filter), options.repeat, options.full,
                    accelerator=options.accel, timeout=max(options.timeout, (options.ops or 0) / 1000), operations=options.ops, reference_plugin=options.reference_plugin)
    return dataclasses.replace(made, jobs=options.jobs) if options.jobs else made


def _suites(groups: list[str], settings: Settings) -> list:
    """The suites in the order in which they run: what fails fast comes first."""
    suites: list = []
    if "unit" in groups:
        suites += [PythonSuite("lint"), PythonSuite("tool"), PythonSuite("sim")]
    for group in groups:
        more = _HOST_PRESETS_OF_FULL.get(group, ()) if settings.full else ()
        suites += [HostSuite(group, preset, threads_only=preset == "tsan" and not settings.full)
                   for preset in (*_HOST_PRESETS.get(group, ()), *more)]
        suites += [BootSuite(group, settings)] if group in ("boot", "stress") else []
        suites += [PythonSuite("command", group)] if group == "boot" else []
        suites += [AnswersSuite()] if group == "model" and "unit" in groups else []
        suites += [RatchetSuite(), ConflictSuite(), WaitSuite(), AgreementSuite(settings.reference_plugin)] if group == "sim" else []
    if "unit" in groups:
        suites.append(LockSuite())
    return [suite for suite in suites if settings.might_want(suite.prefix)]


def _run_suite(suite, reporter: Reporter, settings: Settings, build: bool) -> None:
    """Builds and runs one suite; a build that fails is reported as a failed case, and the other suites still run."""
    if build:
        try:
            suite.prepare()
        except ShoalError as error:
            reporter.add(Result(f"{suite}/build", False, reason=str(error), reproduce=f"./shoal test {suite.group}"))
            return
    if not suite.cases():
        if settings.filter is None:
            reporter.missing(str(suite), "it has no cases here")
        return
    reporter.heading(str(suite))
    suite.run(reporter, settings)


def _list(suites: list, settings: Settings) -> int:
    for suite in suites:
        names = suite.cases()
        if not names:
            say(f"{suite}: no cases, or not built yet (running it builds)")
        for name in names:
            if settings.wants(name):
                print(name)
    return ExitCode.OK
