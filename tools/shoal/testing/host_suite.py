"""The GoogleTest cases of one host preset, run by ctest."""
import json
import re
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from .. import build, project
from ..errors import ShoalError
from ..progress import Progress
from .reporter import Reporter, Result
from .settings import Settings


WHOLE_PRESET = "asan"


class HostSuite:
    """Cases of `preset` with the ctest label `label`; their names are label/preset/case. `threads_only`: those of programs in
    which threads run beside each other."""

    def __init__(self, label: str, preset: str, threads_only: bool = False):
        self.target = f"tests-{label}-threads" if threads_only else f"tests-{label}"
        self.labels = {f"{label}-threads"} if threads_only else {label, f"{label}-threads"}
        self.group, self.label, self.preset = label, label, preset
        self.folder = project.BUILD / preset
        self.prefix = f"{label}/{preset}/"

    def __str__(self) -> str:
        return f"{self.group}/{self.preset}"

    def prepare(self) -> None:
        """One preset is built whole, so that no host source goes uncompiled; the others as far as the label needs."""
        build.build(self.preset, None if self.preset == WHOLE_PRESET else self.target)

    def cases(self) -> list[str]:
        return [self._full(name) for _, name in self._tests()]

    def run(self, reporter: Reporter, settings: Settings) -> None:
        chosen = [(number, name) for number, name in self._tests() if settings.wants(self._full(name))]
        if not chosen:
            return
        with tempfile.TemporaryDirectory(prefix="shoal-ctest-") as name:
            junit = Path(name) / "junit.xml"
            numbers = Path(name) / "numbers"
            numbers.write_text("0,0,0," + ",".join(str(number) for number, _ in chosen) + "\n")
            command = ["ctest", "--test-dir", str(self.folder), "-j", str(settings.jobs), "-I", str(numbers),
                       "--timeout", str(int(settings.timeout)), "--output-junit", str(junit)]
            output = self._follow(command, settings)
            self._report(junit, chosen, output, reporter, settings)

    def _follow(self, command: list[str], settings: Settings) -> str:
        """Runs ctest with progress; returns what it said."""
        lines: list[str] = []
        with Progress(f"{self} ({self.preset} build)") as progress:
            process = subprocess.Popen(command, cwd=project.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, errors="replace", env=settings.environment())
            for line in process.stdout:
                lines.append(line)
                progress.update(line.strip())
            process.wait()
        return "".join(lines)

    def _tests(self) -> list[tuple[int, str]]:
        """Numbers and names, as ctest counts them; only this label's."""
        if not (self.folder / "CTestTestfile.cmake").exists():
            return []
        done = subprocess.run(["ctest", "--test-dir", str(self.folder), "--show-only=json-v1"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise ShoalError(f"ctest cannot list the tests of {self.preset}: {done.stderr.strip()[-400:]}",
                             f"cmake --build --preset {self.preset}")
        tests = enumerate(json.loads(done.stdout)["tests"], start=1)
        return [(number, test["name"]) for number, test in tests if not self.labels.isdisjoint(_labels(test))]

    def _report(self, junit: Path, chosen, output: str, reporter: Reporter, settings: Settings) -> None:
        found = _read_junit(junit)
        for _, name in chosen:
            full = self._full(name)
            passed, seconds, text = found.get(name, (False, 0.0, "ctest did not run it:\n" + output[-2000:]))
            log = "" if passed else _keep(full, settings, text)
            reporter.add(Result(full, passed, seconds, "" if passed else _telling(text), log,
                                settings.reproduce(self.group, full)))

    def _full(self, name: str) -> str:
        return f"{self.group}/{self.preset}/{name}"


def _labels(test: dict) -> list[str]:
    return next((p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"), [])


def _read_junit(file: Path) -> dict[str, tuple[bool, float, str]]:
    """Case -> (passed, seconds, output), from what ctest wrote. A case that was not run has not passed."""
    if not file.exists():
        return {}
    found = {}
    for case in ElementTree.parse(file).getroot().iter("testcase"):
        passed = case.get("status") == "run" and case.find("failure") is None
        found[case.get("name")] = (passed, float(case.get("time") or 0), case.findtext("system-out") or "")
    return found


def _telling(text: str) -> str:
    """The lines that say why: from the first failure or sanitizer report on, at most 12."""
    lines = text.strip().splitlines()
    marks = ("Failure", "ERROR:", "WARNING: ThreadSanitizer", "runtime error", "ssertion", "Segmentation")
    first = next((i for i, line in enumerate(lines) if any(mark in line for mark in marks)), max(0, len(lines) - 12))
    return "\n".join(lines[first:first + 12]) or "it printed nothing (killed or timed out)"


def _keep(name: str, settings: Settings, text: str) -> str:
    project.LOGS.mkdir(parents=True, exist_ok=True)
    file = project.LOGS / (re.sub(r"[^A-Za-z0-9.-]+", "-", name) + ".log")
    file.write_text(f"# {name}, SHOAL_SEED={settings.seed}\n{text}\n")
    return str(file.relative_to(project.ROOT))
