"""Errors that a person can act upon, and the exit codes of the command."""
import enum


class ExitCode(enum.IntEnum):
    """What the command ends with when it is not a guest program's own status."""

    OK = 0
    FAILED = 1        # a test or a build failed
    USAGE = 2         # the command line makes no sense
    UNAVAILABLE = 69  # something needed is missing on this machine (sysexits' EX_UNAVAILABLE)
    PANIC = 70        # the guest's kernel panicked or the machine reset (EX_SOFTWARE)
    TIMEOUT = 124     # as timeout(1)
    INTERRUPTED = 130  # as a shell reports SIGINT


class ShoalError(Exception):
    """Ends the command: `what` happened, and what to `do` about it."""

    def __init__(self, what: str, do: str, code: ExitCode = ExitCode.UNAVAILABLE):
        super().__init__(what)
        self.what, self.do, self.code = what, do, code

    def __str__(self) -> str:
        return f"shoal: error: {self.what}\n  what to do: {self.do}"
