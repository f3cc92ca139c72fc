"""What is kept and said of a run that did not end well."""
import os
import re
import shlex
import time
from pathlib import Path

from . import project
from .guest import Ending, Outcome
from .progress import say

_ADVICE = {
    Ending.PANIC: "the backtraces are above and in the log; docs/debugging.md shows how to stop at a panic",
    Ending.TIMEOUT: "if the machine was merely slow give it --timeout more seconds; if it hangs see docs/debugging.md (--gdb)",
    Ending.RESET: "boot the debug image (--debug) and look at the last line; -d int,cpu_reset on the QEMU line shows a triple fault",
    Ending.EMULATOR: "run the QEMU line by hand (--dry-run prints it)",
}


def advise(outcome: Outcome) -> None:
    """Says what to do about an ending that is not the program's own."""
    if outcome.ending in _ADVICE:
        say(f"shoal: error: {outcome.describe()}\n  what to do: {_ADVICE[outcome.ending]}")


def keep_log(outcome: Outcome, name: str, note: str = "") -> Path:
    """Keeps the console of a run under build/logs, headed by how it was started; returns the path for people."""
    project.LOGS.mkdir(parents=True, exist_ok=True)
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", name)
    file = project.LOGS / f"{plain}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    head = [f"# {name}: {outcome.describe()}", f"# {shlex.join(outcome.command)}"] + [f"# {line}" for line in note.splitlines()]
    file.write_text("\n".join([*head, *outcome.lines, outcome.complaint]) + "\n")
    return file.relative_to(project.ROOT)
