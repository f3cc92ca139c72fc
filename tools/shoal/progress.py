"""Progress of long work: one line that updates itself on a terminal, plain lines everywhere else."""
import shutil
import sys
import time


class Progress:
    """Reports on standard error, so that standard output carries results only."""

    def __init__(self, what: str, stream=sys.stderr):
        self.what, self.stream = what, stream
        self.terminal = stream.isatty()
        self.started = time.monotonic()
        self.last_report = 0.0

    def __enter__(self) -> "Progress":
        if not self.terminal:
            self._line(f"{self.what} ...")
        return self

    def __exit__(self, kind, _value, _trace) -> None:
        self._erase()
        self._line(f"{self.what}: {'failed after' if kind else 'done in'} {self.seconds():.1f} s")

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def update(self, detail: str) -> None:
        """On a terminal at once; elsewhere at most one line in 20 s, so that a log of hours stays readable."""
        now = time.monotonic()
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r\x1b[K{f'{self.what}: {self.seconds():.0f} s, {detail}'[:width]}")
            self.stream.flush()
        elif now - max(self.last_report, self.started) >= 20:
            self.last_report = now
            self._line(f"{self.what}: {self.seconds():.0f} s, {detail}")

    def _erase(self) -> None:
        if self.terminal:
            self.stream.write("\r\x1b[K")

    def _line(self, text: str) -> None:
        self.stream.write(text + "\n")
        self.stream.flush()


def say(text: str) -> None:
    """A plain line about what the command does, on standard error."""
    print(text, file=sys.stderr, flush=True)
