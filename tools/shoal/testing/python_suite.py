"""Python test cases of a folder under tests/: the lint, and the command's own."""
import io
import sys
import time
import unittest

from .. import project
from .reporter import Reporter, Result
from .settings import Settings


class PythonSuite:
    """unittest cases of tests/FOLDER; their names are GROUP/FOLDER/Class.case."""

    def __init__(self, folder: str, group: str = "unit"):
        self.group, self.folder = group, folder
        self.prefix = f"{group}/{folder}/"

    def __str__(self) -> str:
        return f"{self.group}/{self.folder}"

    def prepare(self) -> None:
        pass

    def cases(self) -> list[str]:
        return [self._full(test) for test in self._tests()]

    def run(self, reporter: Reporter, settings: Settings) -> None:
        for test in self._tests():
            full = self._full(test)
            if settings.wants(full):
                reporter.add(self._run_one(test, full, settings))

    def _run_one(self, test: unittest.TestCase, full: str, settings: Settings) -> Result:
        started = time.monotonic()
        outcome = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(unittest.TestSuite([test]))
        reasons = [trace for _, trace in outcome.failures + outcome.errors]
        return Result(full, outcome.wasSuccessful(), time.monotonic() - started,
                      "\n".join(_message(reason) for reason in reasons), reproduce=settings.reproduce(self.group, full))

    def _tests(self) -> list[unittest.TestCase]:
        folder = project.ROOT / "tests" / self.folder
        if not folder.is_dir():
            return []
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        return list(_flatten(unittest.TestLoader().discover(str(folder), pattern="test_*.py", top_level_dir=str(folder))))

    def _full(self, test: unittest.TestCase) -> str:
        return f"{self.group}/{self.folder}/{type(test).__name__}.{test._testMethodName}"


def _flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _flatten(item)
        else:
            yield item


def _message(trace: str) -> str:
    """The assertion's own words, which is all that a lint finding needs; for other errors the last place."""
    lines = trace.strip().splitlines()
    marks = [i for i, line in enumerate(lines) if line.startswith("AssertionError")]
    marks += [i for i, line in enumerate(lines) if line.startswith("  File ")][-1:]
    return "\n".join(lines[marks[0] if marks else 0:][:60])
