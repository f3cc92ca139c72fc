"""Results of test cases: KTAP-like lines while they come, JUnit at the end, and the count."""
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree


@dataclass(frozen=True)
class Result:
    """One case. `name` is group/suite/case; `reproduce` is a line that runs this case again."""

    name: str
    passed: bool
    seconds: float = 0.0
    reason: str = ""
    log: str = ""
    reproduce: str = ""


class Reporter:
    """Collects results; may be called from several threads."""

    def __init__(self, stream=sys.stdout):
        self.stream, self.results = stream, []
        self.absent: list[str] = []
        self.started = time.monotonic()
        self._lock = threading.Lock()
        self._say("KTAP version 1")

    def add(self, result: Result) -> None:
        with self._lock:
            self.results.append(result)
            self._say(f"{'ok' if result.passed else 'not ok'} {len(self.results)} {result.name} # {result.seconds:.2f} s")
            if not result.passed:
                self._details(result)

    def missing(self, part: str, why: str) -> None:
        """Says that a part could not be tested because it is not there. Counts as neither passed nor failed."""
        with self._lock:
            self.absent.append(part)
            self._say(f"# not tested: {part}: {why}")

    def heading(self, text: str) -> None:
        with self._lock:
            self._say(f"# {text}")

    @property
    def failed(self) -> list[Result]:
        return [result for result in self.results if not result.passed]

    def finish(self, junit: str | None) -> bool:
        """Prints the summary, whose last line is `N passed, N failed`; returns whether all is well."""
        for result in self.failed:
            self._say(f"# failed: {result.name}" + (f", log {result.log}" if result.log else ""))
        if junit:
            write_junit(Path(junit), self.results)
        if self.absent:
            self._say(f"# not tested: {', '.join(self.absent)}")
        self._say(f"# {time.monotonic() - self.started:.0f} s")
        if not self.results:
            self._say("# no case was run")
        self._say(f"{len(self.results) - len(self.failed)} passed, {len(self.failed)} failed")
        return bool(self.results) and not self.failed

    def _details(self, result: Result) -> None:
        for label, text in (("reason", result.reason), ("log", result.log), ("reproduce", result.reproduce)):
            for line in text.splitlines():
                self._say(f"#   {label}: {line}")

    def _say(self, text: str) -> None:
        print(text, file=self.stream, flush=True)


def write_junit(file: Path, results: list[Result]) -> None:
    """A JUnit document: one test suite for each group/suite."""
    root = ElementTree.Element("testsuites")
    suites: dict[str, ElementTree.Element] = {}
    for result in results:
        suite_name, _, case_name = result.name.rpartition("/")
        suite = suites.get(suite_name)
        if suite is None:
            suite = suites[suite_name] = ElementTree.SubElement(root, "testsuite", name=suite_name, tests="0", failures="0")
        suite.set("tests", str(int(suite.get("tests")) + 1))
        case = ElementTree.SubElement(suite, "testcase", classname=suite_name, name=case_name, time=f"{result.seconds:.3f}")
        if not result.passed:
            suite.set("failures", str(int(suite.get("failures")) + 1))
            failure = ElementTree.SubElement(case, "failure", message=_printable(result.reason[:200]))
            failure.text = _printable(f"{result.reason}\nlog: {result.log}\nreproduce: {result.reproduce}")
    file.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _printable(text: str) -> str:
    """Without the control characters that XML 1.0 forbids."""
    return "".join(c for c in text if c >= " " or c in "\n\t")
