"""Runs a guest and says how it ended."""
import enum
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import serial_log
from .errors import ExitCode

PANIC_GRACE = 30.0  # seconds for the other CPUs' backtraces after the panic line
TICK = 1.0          # seconds between two calls of at_tick
EXIT_AFTER_PANIC = 255  # of QEMU, by its exit device
EXIT_GRACE = 5.0    # seconds for the machine to switch itself off after its end line

Start = Callable[[Path], None]
Tick = Callable[[Path, list[str]], bool]


class Ending(enum.Enum):
    FINISHED = "finished"
    PANIC = "kernel panic"
    TIMEOUT = "time-out"
    RESET = "the machine stopped without an end line (triple fault or reset)"
    EMULATOR = "the emulator gave up"


@dataclass
class Outcome:
    """How a run ended; `status` is the program's own and counts only if it FINISHED."""

    ending: Ending
    status: int
    lines: list[str]
    seconds: float
    command: list[str] = field(default_factory=list)
    complaint: str = ""  # what the emulator wrote to stderr
    emulator_status: int | None = None  # its own, if it ended by itself

    @property
    def exit_code(self) -> int:
        if self.ending is Ending.FINISHED:
            return self.status & 0xFF
        if self.ending is Ending.TIMEOUT:
            return ExitCode.TIMEOUT
        return ExitCode.UNAVAILABLE if self.ending is Ending.EMULATOR else ExitCode.PANIC

    def describe(self) -> str:
        """One line for people: what happened, and the last word on the console."""
        if self.ending is Ending.FINISHED:
            return f"ended with status {self.status} after {self.seconds:.1f} s"
        last = next((line for line in reversed(self.lines) if line.strip()), "nothing at all")
        if self.ending is Ending.PANIC:
            last = next((line for line in self.lines if serial_log.PANIC in line), last)
        if self.ending is Ending.EMULATOR:
            last = self.complaint.strip().splitlines()[-1] if self.complaint.strip() else last
        return f"{self.ending.value} after {self.seconds:.1f} s; console: {last.strip()}"


class _Watch:
    """Follows the console and knows when a run is over, and until when it may go on."""

    def __init__(self, timeout: float, mute: bool):
        self.mute = mute  # the guest's console is not what is read here
        self.started = time.monotonic()
        self.deadline = self.started + timeout
        self.lines: list[str] = []
        self.status: int | None = None
        self.panicked = False

    def line(self, text: str) -> None:
        self.lines.append(text)
        if serial_log.PANIC in text and not self.panicked:
            self.panicked = True
            self.deadline = min(self.deadline, time.monotonic() + PANIC_GRACE)
        status = serial_log.end_status(text)
        if status is not None and self.status is None:
            self.status = status
            self.deadline = min(self.deadline, time.monotonic() + EXIT_GRACE)

    def is_over(self, acts: bool) -> bool:
        """Nothing more is to come: the time is up, or the guest is done and its machine stays on with nobody to act on it."""
        waits = self.status is not None and any(serial_log.WAITING in line for line in self.lines[-3:])
        return time.monotonic() >= self.deadline or (waits and not acts)

    def outcome(self, code: int | None = None) -> Outcome:
        """`code`: the emulator's own status if it ended by itself."""
        ending = self._ending(code)
        if ending is Ending.FINISHED and self.status is None:
            self.status = code >> 1
        return Outcome(ending, self.status or 0, self.lines, time.monotonic() - self.started, emulator_status=code)

    def _ending(self, code: int | None) -> Ending:
        if self.panicked:
            return Ending.PANIC
        if self.status is not None:
            return Ending.FINISHED
        if code is None:
            return Ending.TIMEOUT
        if self.has_no_console() and code & 1:  # QEMU's exit device tells all there is to tell
            return Ending.PANIC if code == EXIT_AFTER_PANIC else Ending.FINISHED
        return Ending.EMULATOR if code == 1 and not self.lines else Ending.RESET

    def has_no_console(self) -> bool:
        return self.mute and not any(serial_log.KERNEL in line for line in self.lines)


class _Console:
    """The emulator's standard output, line by line, without waiting for more than asked."""

    def __init__(self, stream):
        self.stream, self.rest, self.ended = stream, b"", False
        os.set_blocking(stream.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(stream, selectors.EVENT_READ)

    def lines(self, patience: float) -> list[str]:
        """Complete lines that have come; at the end of the stream also the last, incomplete one."""
        if not self.selector.select(patience):
            return []
        chunk = self.stream.read()
        self.ended = chunk == b""
        *complete, self.rest = (self.rest + (chunk or b"")).split(b"\n")
        if self.ended and self.rest:
            complete.append(self.rest)
        return [serial_log.clean(line.decode(errors="replace")) for line in complete]


class Guest:
    """A guest that runs in a folder of its own, which goes when the run is over. `machine` is a machine.Machine or alike:
    prepare(), command(), mute."""

    def __init__(self, machine, timeout: float, on_line: Callable[[str], None] = lambda line: None):
        self.machine, self.timeout, self.on_line = machine, timeout, on_line

    def run(self, at_tick: Tick | None = None, at_start: Start | None = None) -> Outcome:
        """To the end. `at_start` is called once, when the emulator has been started, with the run's folder, where the monitor's
        socket lies: who must act before the guest does starts its machine paused. `at_tick` is called about once a second with
        that folder and the console so far; True from it ends the run as finished with status 0."""
        with tempfile.TemporaryDirectory(prefix="shoal-run-") as name:
            folder = Path(name)
            self.machine.prepare(folder)
            command = self.machine.command(folder)
            with open(folder / "stderr", "w+b") as complaint:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaint)
                try:
                    if at_start:
                        at_start(folder)
                    outcome = self._follow(process, folder, at_tick)
                finally:
                    process.kill()
                    process.wait()
                complaint.seek(0)
                outcome.complaint = complaint.read().decode(errors="replace")
            outcome.command = command
            return outcome

    def _follow(self, process, folder: Path, at_tick: Tick | None) -> Outcome:
        watch, console = _Watch(self.timeout, self.machine.mute), _Console(process.stdout)
        next_tick = watch.started + TICK
        while not watch.is_over(acts=at_tick is not None):
            for text in console.lines(TICK / 4):
                watch.line(text)
                self.on_line(text)
            if console.ended:
                return watch.outcome(self._leave(process))
            if at_tick and time.monotonic() >= next_tick:
                next_tick = time.monotonic() + TICK
                if at_tick(folder, watch.lines):
                    watch.status = 0
                    break
        return watch.outcome()

    def _leave(self, process) -> int | None:
        """The emulator's own status, once it has closed its console."""
        try:
            return process.wait(EXIT_GRACE)
        except subprocess.TimeoutExpired:
            return None
