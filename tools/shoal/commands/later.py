"""compare: announced, and not there yet."""
import argparse

from ..errors import ExitCode, ShoalError


class Later:
    """A subcommand that says so."""

    def __init__(self, name: str, help_text: str):
        self.name, self.HELP, self.DESCRIPTION = name, f"{help_text} (comes later)", f"{help_text}. Comes later."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)

    def run(self, _options: argparse.Namespace) -> int:
        raise ShoalError(f"'{self.name}' comes later; this version does not have it",
                         "./shoal bench measures host and guest suites today", ExitCode.USAGE)


COMPARE = Later("compare", "the same programs on Shoal and on Linux, in one table")
