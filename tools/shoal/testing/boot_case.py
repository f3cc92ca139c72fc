"""One boot of one image, and what has to come of it."""
from collections.abc import Callable
from dataclasses import dataclass, field

from .. import serial_log
from ..guest import Ending, Outcome, Start, Tick
from ..machine import COM1

Check = Callable[[Outcome], str]  # "" if all is well, else the reason


def ends_well(outcome: Outcome) -> str:
    """Ended by its own end line with status 0, and no case of it failed."""
    if outcome.ending is not Ending.FINISHED:
        return outcome.describe()
    failed = [f"{name}: {reason}" for name, passed, reason in serial_log.verdicts(outcome.lines) if not passed]
    if failed:
        return "; ".join(failed)
    return "" if outcome.status == 0 else outcome.describe()


def says(*expected: str) -> Check:
    """The console says all of these, and the system runs to its end as ever."""
    def check(outcome: Outcome) -> str:
        missing = [words for words in expected if not any(words in line for line in outcome.lines)]
        return ends_well(outcome) or (f"no line says '{missing[0]}'" if missing else "")
    return check


@dataclass
class BootCase:
    """`options` are kernel options; `at_start` may act on the machine before anything else, `at_tick` on the running machine
    once a second, ending the run by returning True: see Guest.run."""

    name: str  # suite/case, without the group
    options: list[str] = field(default_factory=list)
    cpus: int = 2
    memory: str = "1G"
    uefi: bool = False
    debug: bool = False
    emulator: str = "qemu"  # or "bochs"
    timeout: float = 180
    check: Check = ends_well
    at_tick: Tick | None = None
    at_start: Start | None = None
    only_full: bool = False  # left out unless --full
    group: str = "boot"
    program: str = ""        # the program it needs in the image
    # What makes the machine another one, see machine.Machine.
    extra: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    serial: list[str] = field(default_factory=lambda: list(COM1))
    medium: str = "cdrom"
    boot_commands: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ImageFacts:
    """What an image holds; cases for what is not there are not offered."""

    programs: frozenset[str]
    debug_programs: frozenset[str]
    seed: int

    def has(self, program: str, debug: bool = False) -> bool:
        return program in (self.debug_programs if debug else self.programs)
