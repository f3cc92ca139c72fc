"""Failing hardware: a machine check on one CPU panics the kernel, which stops every CPU and prints each one's backtrace."""
import re
from pathlib import Path

from shoal.guest import Ending, Outcome
from shoal.monitor import Monitor
from shoal.testing.boot_case import BootCase, ImageFacts

_CPUS = 4
_FRAME_WITH_NAME = re.compile(r"#\d+\s+[0-9a-f]{16} \S+\+0x")


def cases(facts: ImageFacts) -> list[BootCase]:
    if not facts.has("hello"):
        return []
    # The program sleeps meanwhile: the CPUs idle in the kernel, whose functions have names.
    return [BootCase("panic/machine-check", ["rs.program=hello", "rs.args=seconds=1000"], _CPUS, program="hello", timeout=120,
                     check=prints_every_backtrace, at_tick=inject_once)]


def inject_once(folder: Path, console: list[str]) -> bool:
    """Raises the check once the program sleeps, with a second for the CPUs to come to rest; files remember how far it is."""
    asleep, done = folder / "asleep", folder / "injected"
    if asleep.exists() and not done.exists():
        done.touch()
        with Monitor(folder) as monitor:
            monitor.machine_check(cpu=1)
    if any("argument 1: seconds" in line for line in console):
        asleep.touch()
    return False


def prints_every_backtrace(outcome: Outcome) -> str:
    if outcome.ending is not Ending.PANIC:
        return f"expected a panic: {outcome.describe()}"
    start = next(number for number, line in enumerate(outcome.lines) if "PANIC:" in line)
    report = outcome.lines[start:]
    for cpu in range(_CPUS):
        if not any(line.startswith(f"CPU {cpu}, ") for line in report):
            return f"CPU {cpu} printed no backtrace"
    if any("does not answer" in line for line in report):
        return "a CPU did not answer"
    return "" if any(_FRAME_WITH_NAME.search(line) for line in report) else "no backtrace names a function"
